import assert from "node:assert/strict";
import { test } from "node:test";
import { isNews, markOf } from "../../web/src/page/learned-card.js";

test("how a run ended is news until it is put away, and the next end is news again", () => {
  const card = { run_id: "20261122-030000", at: "2026-11-22T03:04:00+00:00" };
  assert.equal(isNews(null, null), false);
  assert.equal(isNews(card, null), true);
  assert.equal(isNews(card, markOf(card)), false);
  assert.equal(isNews({ ...card, run_id: "20261123-030000" }, markOf(card)), true);
  assert.equal(isNews({ ...card, at: "2026-11-22T09:00:00+00:00" }, markOf(card)), true);
});
