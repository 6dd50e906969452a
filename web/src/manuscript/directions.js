// Every line reads in its own direction: Hebrew or Arabic from the right, beside others from the left.

import { RangeSetBuilder } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin } from "@codemirror/view";

const auto = Decoration.line({ attributes: { dir: "auto" } });

function linesInSight(view) {
  const found = new RangeSetBuilder();
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to; ) {
      const line = view.state.doc.lineAt(at);
      found.add(line.from, line.from, auto);
      at = line.to + 1;
    }
  }
  return found.finish();
}

const plugin = ViewPlugin.define(
  (view) => ({
    decorations: linesInSight(view),
    update(update) {
      if (update.docChanged || update.viewportChanged) this.decorations = linesInSight(update.view);
    },
  }),
  { decorations: (value) => value.decorations },
);

export const directions = [plugin, EditorView.perLineTextDirection.of(true)];
