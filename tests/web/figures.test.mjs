import assert from "node:assert/strict";
import { test } from "node:test";
import { elapsed, percent, size, words } from "../../web/src/text/figures.js";

test("numbers are written for people", () => {
  assert.deepEqual([elapsed(0), elapsed(8_400), elapsed(65_000), elapsed(3_600_000)], ["0:00", "0:08", "1:05", "1:00:00"]);
  assert.deepEqual([size(98_362_432), size(2_019_393_189), size(1_500_000)], ["98 MB", "2.0 GB", "1.5 MB"]);
  assert.deepEqual([percent(1, 3), percent(0, 0), percent(9, 3)], [33, 0, 100]);
  assert.deepEqual([words(1), words(1200)], ["1 word", "1,200 words"]);
});
