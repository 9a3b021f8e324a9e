import assert from "node:assert/strict";
import test from "node:test";
import { isListed } from "../src/state/experiments.ts";
import { mayChange, session, viewOf } from "../src/state/session.ts";

const OPEN = { accounts: false, user: null, view_of: null, version: null };

test("nothing can be changed before it is known where one is, and in a view", () => {
  session.value = undefined;
  assert.equal(mayChange.value, false);
  assert.equal(viewOf.value, null);
  session.value = OPEN;
  assert.equal(mayChange.value, true);
  session.value = { ...OPEN, view_of: "/scratch/mlruns" };
  assert.equal(mayChange.value, false);
  assert.equal(viewOf.value, "/scratch/mlruns");
});

test("a view lists the experiments that its store has runs of", () => {
  const experiment = { lifecycle_stage: "active", runs: 0, deleted_runs: 0 };
  session.value = { ...OPEN, view_of: "/scratch/mlruns" };
  assert.equal(isListed(experiment), false);
  assert.equal(isListed({ ...experiment, runs: 1 }), true);
  assert.equal(isListed({ ...experiment, deleted_runs: 1 }), true);
  assert.equal(isListed({ ...experiment, runs: 1, lifecycle_stage: "deleted" }), false);
  session.value = OPEN;
  assert.equal(isListed(experiment), true);
});
