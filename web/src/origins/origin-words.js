// What the page says of who wrote what. Pure.

const NAME = { model: "the model’s", edited: "edited", writer: "yours", unknown: "not known" };

export const NOTHING = "Nothing is written yet.";

/** How much bears which mark, `[{who, text}]`, of those that are there. */
export const legend = (shares) =>
  Object.entries(NAME).flatMap(([who, name]) => (shares[who] ? [{ who, text: `${shares[who]}\u00a0% ${name}` }] : []));

/** The same as one sentence. */
export function sentence(shares) {
  const parts = legend(shares).map(({ text }) => text);
  return parts.length ? `${parts.join(", ")}.` : NOTHING;
}
