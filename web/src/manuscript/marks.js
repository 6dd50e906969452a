// What the page shows inside the text: the pen, the picked words, the old passage and its suggestion.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";
import { pen } from "./manuscript.js";
import { passage } from "./passage.js";

/** Mark `{from, to}`, which may be a place between words, as picked while the instruction is typed elsewhere, or null. */
export const setPicked = StateEffect.define();

const picked = StateField.define({
  create: () => Decoration.none,
  update(marks, tr) {
    for (const effect of tr.effects) {
      if (!effect.is(setPicked)) continue;
      if (!effect.value) return Decoration.none;
      const { from, to } = effect.value;
      return Decoration.set(from < to ? pickedMark.range(from, to) : Decoration.widget({ widget: new Nib(), side: 1 }).range(to));
    }
    return marks.map(tr.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const pickedMark = Decoration.mark({ class: "picked" });
const oldMark = Decoration.mark({ class: "old-passage", tagName: "del" });

/** An element of ours that stands in the text; drawn once, moved with the text. */
class Standing extends WidgetType {
  constructor(element) {
    super();
    this.element = element;
  }
  eq(other) {
    return other.element === this.element;
  }
  toDOM() {
    return this.element;
  }
  ignoreEvent() {
    return true;
  }
}

/** The pen's point. A new one wherever it goes: an element that moved would count as a shifting layout. */
class Nib extends WidgetType {
  toDOM() {
    const nib = document.createElement("span");
    nib.className = "nib";
    nib.setAttribute("aria-hidden", "true");
    return nib;
  }
}

const penMark = EditorView.decorations.compute([pen], (state) => {
  const down = state.field(pen);
  return down ? Decoration.set(Decoration.widget({ widget: new Nib(), side: -1 }).range(down.at)) : Decoration.none;
});

/** The marks; `box` is the element that shows the suggestion. */
export function marks(box) {
  const suggestion = Decoration.widget({ widget: new Standing(box), side: 1 });
  const passageMarks = EditorView.decorations.compute([passage], (state) => {
    const open = state.field(passage);
    if (!open) return Decoration.none;
    const found = open.to > open.from ? [oldMark.range(open.from, open.to)] : [];
    return Decoration.set([...found, suggestion.range(open.to)]);
  });
  return [picked, penMark, passageMarks];
}
