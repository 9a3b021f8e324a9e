import assert from "node:assert/strict";
import { test } from "node:test";
import { endAtRate, estimatedEnd, marks, share, silence, stillToCome } from "../src/lib/progress.ts";

const MINUTE = 60_000;
const progress = { last_step: 500, last_point_time: 100 * MINUTE, usual_gap: MINUTE, max_steps: 1_000 };

test("a run is silent after five of its usual gaps, and not before two minutes", () => {
  assert.equal(silence("RUNNING", progress, 104 * MINUTE), null);
  assert.equal(silence("RUNNING", progress, 106 * MINUTE), 6 * MINUTE);
  assert.equal(silence("RUNNING", { ...progress, usual_gap: 1_000 }, 101 * MINUTE), null);
  assert.equal(silence("RUNNING", { ...progress, usual_gap: null }, 103 * MINUTE), 3 * MINUTE);
  assert.equal(silence("FINISHED", progress, 900 * MINUTE), null);
  assert.equal(silence("RUNNING", null, 900 * MINUTE), null);
});

test("the share that is done stays between nothing and all", () => {
  assert.equal(share(progress), 0.5);
  assert.equal(share({ ...progress, last_step: 2_000 }), 1);
  assert.equal(share({ ...progress, max_steps: null }), null);
  assert.equal(share({ ...progress, max_steps: 0 }), null);
});

test("the end is estimated by the steps that this run made itself", () => {
  assert.equal(estimatedEnd(progress, 0, 0), 200 * MINUTE);
  assert.equal(estimatedEnd(progress, 0, 400), 600 * MINUTE);
});

test("there is no estimate without a maximum, a start, a step or a time", () => {
  assert.equal(estimatedEnd({ ...progress, max_steps: null }, 0, 0), null);
  assert.equal(estimatedEnd(progress, undefined, 0), null);
  assert.equal(estimatedEnd(progress, 0, 500), null);
  assert.equal(estimatedEnd(progress, 100 * MINUTE, 0), null);
  assert.equal(estimatedEnd({ ...progress, last_step: 1_000 }, 0, 0), null);
});

const loss = (more) => ({
  steps_per_second: 2,
  loss: { metric: "val_loss", last: 0.4, last_step: 500, best: 0.3, best_step: 400, nan_since: null, count: 50, ...more },
});
const told = (live, more = {}, at = 100 * MINUTE) => marks("RUNNING", { ...progress, ...more }, live, at);

test("a run is marked that is silent, whose loss is NaN, or above its best", () => {
  assert.deepEqual(told(loss()), ["loss up 33 % from its best"]);
  assert.deepEqual(told(loss({ last: "NaN", nan_since: 4_200 })), ["NaN since step 4,200"]);
  assert.deepEqual(told(loss(), {}, 135.5 * MINUTE), ["loss up 33 % from its best", "silent for 35 min"], "the worse comes first");
  assert.deepEqual(told(loss({ last: "NaN", nan_since: 4_200 }), {}, 135.5 * MINUTE), ["NaN since step 4,200", "silent for 35 min"]);
  assert.deepEqual(told(null, {}, 230 * MINUTE), ["silent for 2 h 10 min"]);
});

test("a run is not marked for noise, for its own best, for nothing known, or when it has ended", () => {
  assert.deepEqual(told(loss({ last: 0.39 })), [], "30 % is still noise");
  assert.deepEqual(told(loss({ best: -1, last: 5 })), [], "of a loss below 0 there is no share");
  assert.deepEqual(told(loss({ best: null, best_step: null })), []);
  assert.deepEqual(told(loss({ best_step: 500 })), [], "its best is its last");
  assert.deepEqual(told({ steps_per_second: null, loss: null }), []);
  assert.deepEqual(marks("FINISHED", progress, loss({ nan_since: 1 }), 900 * MINUTE), []);
});

test("the end is estimated by the steps of the last minutes, where there are some left", () => {
  assert.equal(endAtRate(progress, loss()), 100 * MINUTE + 250_000);
  assert.equal(endAtRate({ ...progress, last_step: 1_000 }, loss()), null);
  assert.equal(endAtRate({ ...progress, max_steps: null }, loss()), null);
  for (const rate of [null, 0, 1e-300]) assert.equal(endAtRate(progress, { ...loss(), steps_per_second: rate }), null);
  assert.equal(endAtRate(progress, null), null);
});

test("the end of a run that is silent is told while it is still to come", () => {
  assert.equal(stillToCome(100, false, 200), 100);
  assert.equal(stillToCome(100, true, 200), null);
  assert.equal(stillToCome(300, true, 200), 300);
  assert.equal(stillToCome(null, true, 200), null);
});
