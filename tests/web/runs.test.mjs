import assert from "node:assert/strict";
import { test } from "node:test";
import { ifFitting, lengthOf, shares, slice, splice, toPoints, toUnits } from "../../web/src/text/runs.js";

const WHO = ["model", "edited", "writer", null];

/** The same dice every time. */
function dice(seed) {
  let state = seed;
  return (sides) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), Math.floor((state / 2 ** 32) * sides));
}

const spread = (runs) => runs.flatMap(([length, who]) => Array(length).fill(who));
const gathered = (roll, length) => splice([], [{ from: 0, to: 0, runs: Array.from({ length }, () => [1, WHO[roll(4)]]) }]);

test("putting runs in the place of others is what it is letter by letter, and leaves no empty or equal neighbours", () => {
  const roll = dice(1);
  for (let round = 0; round < 500; round += 1) {
    const runs = gathered(roll, roll(30));
    const [a, b, c, d] = Array.from({ length: 4 }, () => roll(lengthOf(runs) + 1)).sort((one, other) => one - other);
    const [first, second] = [gathered(roll, roll(4)), gathered(roll, roll(4))];
    const found = splice(runs, [{ from: a, to: b, runs: first }, { from: c, to: d, runs: second }]);
    const plain = spread(runs);
    assert.deepEqual(spread(found), [...plain.slice(0, a), ...spread(first), ...plain.slice(b, c), ...spread(second), ...plain.slice(d)]);
    assert.deepEqual(spread(slice(runs, a, c)), plain.slice(a, c));
    assert.ok(found.every(([length, who], at) => length > 0 && found[at - 1]?.[1] !== who));
  }
});

test("code points add up to the text's, whatever halves and pairs it is made of, and come back as they went", () => {
  const roll = dice(2);
  const signs = ["a", "\r\n", "🌙", "\ud83c", "\udf19", "é", "月"];
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: roll(20) }, () => signs[roll(signs.length)]).join("");
    const units = gathered(roll, text.length);
    const points = toPoints(text, units);
    assert.equal(lengthOf(points), [...text].length);
    const again = toUnits(text, points);
    assert.equal(lengthOf(again), text.length);
    assert.deepEqual(toPoints(text, again), points);
  }
});

test("what does not fit its text is nobody's", () => {
  for (const points of [undefined, null, "model", [[2, "model"]], [[4, "model"]], [[1e12, "model"]], [["3", "model"]], [[3, "me"]], [[3.0, "model"], [0, "writer"]], [3]]) {
    assert.deepEqual(toUnits("abc", points), [[3, null]]);
    assert.deepEqual(toUnits("a🌙", points && points !== "model" ? [...points, [1, "model"]] : points), [[3, null]]);
    assert.equal(ifFitting("abc", points), null);
  }
  assert.deepEqual(toUnits("", null), []);
  assert.deepEqual(ifFitting("", []), []);
});

test("shares are a hundred together", () => {
  assert.deepEqual(shares([[1, "model"], [1, "edited"], [1, "writer"]]), { model: 34, edited: 33, writer: 33, unknown: 0 });
  assert.deepEqual(shares([[999, "model"], [1, null]]), { model: 99, edited: 0, writer: 0, unknown: 1 });
  assert.deepEqual(shares([]), { model: 0, edited: 0, writer: 0, unknown: 0 });
});
