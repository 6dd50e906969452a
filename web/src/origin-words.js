// What the page says of who wrote what. Pure.

const NAME = { model: "the model’s", edited: "edited by you", writer: "yours", unknown: "not known" };
const ALWAYS = ["model", "edited", "writer"];
const NOTHING = "Nothing is written yet.";

/** The marks with how much bears them, `[{who, text}]`; what nobody knows is named only if there is some. */
export const legend = (shares) =>
  Object.entries(NAME).flatMap(([who, name]) => (ALWAYS.includes(who) || shares[who] ? [{ who, text: `${shares[who]}\u00a0% ${name}` }] : []));

/** The same as one sentence. */
export function sentence(shares) {
  const parts = legend(shares).filter(({ who }) => shares[who]);
  return parts.length ? `${parts.map(({ text }) => text).join(", ")}.` : NOTHING;
}
