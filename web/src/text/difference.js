// The one change between two texts. Pure.

/** `{from, to, insert}`: what they have in common at either end stays, and no surrogate pair is cut. */
export function difference(before, after) {
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before.charCodeAt(from) === after.charCodeAt(from)) from += 1;
  if (from && /[\ud800-\udbff]/.test(before[from - 1])) from -= 1;
  let same = 0;
  while (same < shorter - from && before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)) same += 1;
  if (same && /[\udc00-\udfff]/.test(before[before.length - same])) same -= 1;
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}
