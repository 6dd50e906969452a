import assert from "node:assert/strict";
import { test } from "node:test";
import { intervalPlot, lossPlot, path, scale } from "../../web/src/learned/learned-plot.js";

const FRAME = { left: 0, right: 300, top: 0, bottom: 100 };
const epoch = (number, train_loss, held_out_loss) => ({ epoch: number, train_loss, held_out_loss });

test("a scale maps its ends to its ends, and what has no extent to the middle", () => {
  assert.deepEqual([2, 3, 4].map(scale(2, 4, 100, 0)), [100, 50, 0]);
  assert.equal(scale(2, 2, 0, 10)(2), 5);
});

test("losses lie in their frame, the highest on top, and the best epoch is found", () => {
  const plot = lossPlot([epoch(0, null, 4), epoch(1, 3.5, 3), epoch(2, 2, 2.5), epoch(3, 1, 3.2)], FRAME);
  assert.deepEqual(plot.exam.map(({ x, y }) => [x, Math.round(y)]), [[0, 0], [100, 33], [200, 50], [300, 27]]);
  assert.deepEqual(plot.train.map(({ epoch: number }) => number), [1, 2, 3]);
  assert.equal(plot.best.epoch, 2);
  assert.deepEqual(plot.bounds, [{ y: 0, value: 4 }, { y: 100, value: 1 }]);
  assert.deepEqual(plot.epochs.map(({ x }) => x), [0, 100, 200, 300]);
});

test("without two losses there is nothing to draw, and no number is made up", () => {
  assert.equal(lossPlot([], FRAME), null);
  assert.equal(lossPlot([epoch(0, null, 4)], FRAME), null);
  assert.equal(lossPlot([epoch(0, null, 4), epoch(1, 3, null), epoch(2, 3, Number.NaN)], FRAME), null);
  const flat = lossPlot([epoch(0, null, 4), epoch(1, null, 4)], FRAME);
  assert.deepEqual(flat.exam.map(({ y }) => y), [50, 50]);
});

test("the interval lies around its figure, and the rival is always to be seen", () => {
  const clear = intervalPlot({ ratio: 0.66, low: 0.63, high: 0.7 }, FRAME);
  assert.ok(clear.low < clear.at && clear.at < clear.high && clear.high < clear.rival && clear.rival < 300);
  const unclear = intervalPlot({ ratio: 0.98, low: 0.94, high: 1.03 }, FRAME);
  assert.ok(unclear.low < unclear.rival && unclear.rival < unclear.high);
  const worse = intervalPlot({ ratio: 1.2, low: 1.1, high: 1.3 }, FRAME);
  assert.ok(0 < worse.rival && worse.rival < worse.low && worse.high < 300);
  for (const none of [undefined, null, {}, { ratio: 1, low: null, high: 1 }]) assert.equal(intervalPlot(none, FRAME), null);
});

test("points become the points of a line", () => {
  assert.equal(path([{ x: 0, y: 1 }, { x: 2.25, y: 3.333 }]), "0.0,1.0 2.3,3.3");
});
