import assert from "node:assert/strict";
import { test } from "node:test";
import { estimatedEnd, share, silence } from "../src/lib/progress.ts";

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
