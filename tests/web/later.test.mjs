import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Later } from "../../web/src/common/later.js";

test("of many wishes only the last is done, once it has settled", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let done = 0;
  const later = new Later(300, () => (done += 1));
  for (let wish = 0; wish < 5; wish += 1) {
    later.soon();
    mock.timers.tick(299);
  }
  assert.deepEqual([done, later.isDue], [0, true]);
  mock.timers.tick(1);
  assert.deepEqual([done, later.isDue], [1, false]);
  mock.timers.tick(1000);
  assert.equal(done, 1);
  mock.timers.reset();
});

test("a wish is done at once when the page goes, and nothing is done that was not wished", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let done = 0;
  const later = new Later(300, () => (done += 1));
  later.now();
  assert.equal(done, 0);
  later.soon();
  later.now();
  mock.timers.tick(1000);
  assert.equal(done, 1);
  mock.timers.reset();
});
