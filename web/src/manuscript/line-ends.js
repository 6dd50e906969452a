// Carriage returns stay in the text as they are; this keeps them out of the writer's sight and way.

import { EditorState, EditorSelection, RangeSetBuilder } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin } from "@codemirror/view";

const nothing = Decoration.replace({});

/** Where a position inside "\r\n" goes: out of the pair, onwards if it came from its start. */
export function outOfPair(doc, head, cameFrom) {
  const inside = doc.sliceString(head - 1, head + 1, "\n") === "\r\n";
  if (!inside) return head;
  return cameFrom === head - 1 ? head + 1 : head - 1;
}

const keepOut = EditorState.transactionFilter.of((tr) => {
  if (!tr.selection || tr.docChanged) return tr;
  const { main } = tr.newSelection;
  const cameFrom = tr.startState.selection.main.head;
  const anchor = outOfPair(tr.newDoc, main.anchor, main.empty ? cameFrom : -1);
  const head = outOfPair(tr.newDoc, main.head, cameFrom);
  if (anchor === main.anchor && head === main.head) return tr;
  return [tr, { selection: EditorSelection.single(anchor, head), sequential: true }];
});

/** Backspace and Delete take both characters of a pair. */
const deleteBoth = EditorState.transactionFilter.of((tr) => {
  if (!tr.isUserEvent("delete")) return tr;
  const more = [];
  tr.changes.iterChanges((from, to, start) => {
    const lone = tr.startState.doc.sliceString(from, from + 1, "\n") === "\n";
    if (lone && tr.newDoc.sliceString(start - 1, start, "\n") === "\r") more.push({ from: start - 1, to: start });
  });
  return more.length ? [tr, { changes: more, sequential: true }] : tr;
});

const hidden = ViewPlugin.define(
  (view) => ({
    decorations: returns(view),
    update(update) {
      if (update.docChanged || update.viewportChanged) this.decorations = returns(update.view);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

function returns(view) {
  const found = new RangeSetBuilder();
  for (const { from, to } of view.visibleRanges) {
    const text = view.state.doc.sliceString(from, to, "\n");
    for (let at = text.indexOf("\r"); at >= 0; at = text.indexOf("\r", at + 1)) {
      found.add(from + at, from + at + 1, nothing);
    }
  }
  return found.finish();
}

export const lineEnds = [EditorState.allowMultipleSelections.of(false), keepOut, deleteBoth, hidden, EditorView.lineWrapping];
