// The parts of the toolbar, made and joined.

import { TakesCount } from "../takes/takes-count.js";
import { BarOffers } from "./bar-offers.js";
import { Favourites } from "./favourites.js";
import { Ways } from "./ways.js";
import { WordChoices } from "./word-choices.js";
import { restOfSentence } from "./words.js";

/** Makes `{ways, words, offers, favourites, count}` for a RewriteBar. */
export const barParts = ({ editor, keeper, api, storage, connection, diagnose, announcer, ask, onReopen }) => (bar) => ({
  ways: new Ways({ onAsk: (way) => bar.ask(way), onChange: () => bar.place() }),
  words: new WordChoices({
    editor, connection, diagnose, announcer, ask,
    onChoose: (opening, word) => bar.ask({ opening }, restOfSentence(editor.text, word)),
    onChange: () => bar.place(),
  }),
  offers: new BarOffers({ editor, keeper, onWords: () => bar.otherWords(), onTakes: onReopen }),
  favourites: new Favourites({ api, announcer, typed: () => bar.typed, onUse: (instruction) => bar.ask({ instruction }), onChange: () => bar.place() }),
  count: new TakesCount({ storage, onChange: () => bar.showCount() }),
});
