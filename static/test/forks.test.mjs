import assert from "node:assert/strict";
import { test } from "node:test";
import { baseOf, forkFamily, forkOf, fromFork, readShifts, writeShift } from "../src/lib/forks.ts";
import { configuredFirst } from "../src/lib/told_differences.ts";

const node = (run_id, training_id, attempt, first_step, last_step, more = {}) => ({
  run_id, training_id, run_name: run_id, lifecycle_stage: "active", role: "attempt", attempt, first_step, last_step, ...more,
});
const fork = (run_id, target, step) => ({ kind: "fork", run_id, target, target_run_id: target, step });

/** a1 to a3 are a training of which a3 went over the steps of a2 again; f and g were forked from a2, h from f; g has two attempts. */
const story = {
  nodes: [
    node("a1", "a1", 1, 0, 500), node("a2", "a1", 2, 400, 1_000), node("a3", "a1", 3, 600, 2_000),
    node("f", "f", 1, 800, 1_500), node("g1", "g1", 1, 700, 900), node("g2", "g1", 2, 850, 1_200), node("h", "h", 1, 1_000, 1_100),
    node("r", "r", 1, 0, 10),
  ],
  edges: [fork("f", "a2", 800), fork("g1", "a2", 700), fork("h", "f", 1_000), fork("r", "a2", null)],
};

test("what was trained before a fork are the attempts up to its origin, each up to what came after it", () => {
  const { origin, step, before } = forkOf(story, "f");

  assert.deepEqual([origin.run_id, step], ["a2", 800]);
  assert.deepEqual(before, [{ run_id: "a2", name: "a2", from: 400, until: 800 }, { run_id: "a1", name: "a1", from: 0, until: 400 }]);
});

test("a fork of a fork goes back to the first beginning", () => {
  assert.deepEqual(forkOf(story, "h").before.map(({ run_id, from, until }) => [run_id, from, until]), [["f", 800, 1_000], ["a2", 400, 800], ["a1", 0, 400]]);
});

test("a later attempt of a fork comes from the same origin, by way of those before it", () => {
  const { step, before } = forkOf(story, "g2");

  assert.equal(step, 700);
  assert.deepEqual(before.map(({ run_id, until }) => [run_id, until]), [["g1", 850], ["a2", 700], ["a1", 400]]);
});

test("where the step is not known nothing is taken from the origin, and what is no fork has none", () => {
  assert.deepEqual(forkOf(story, "r"), { origin: story.nodes[1], training: ["a1", "a2", "a3"], step: null, last: 2_000, before: [] });
  assert.equal(forkOf(story, "a3"), null);
  assert.equal(forkOf(story, "unknown"), null);
  const circle = { nodes: [node("x", "x", 1, 10, 20), node("y", "y", 1, 5, 20)], edges: [fork("x", "y", 10), fork("y", "x", 5)] };
  assert.deepEqual(forkOf(circle, "x").before, [{ run_id: "y", name: "y", from: 5, until: 10 }]);
});

test("the forks of a training and its origin belong together, whichever of them is asked about", () => {
  const named = (run) => {
    const found = forkFamily(story, run);
    return found && [found.origin.run_id, ...found.forks.map(({ run_id }) => run_id)];
  };

  assert.deepEqual(named("a1"), ["a3", "f", "g2", "r"]);
  assert.deepEqual(named("g2"), ["a3", "f", "g2", "r"]);
  assert.deepEqual(named("f"), ["f", "h"], "its own forks come first");
  assert.equal(forkFamily({ nodes: [node("x", "x", 1, 0, 1)], edges: [] }, "x"), null);
});

test("what is compared of forks begins a little before the first of them, where all of them say where they began", () => {
  const known = { nodes: story.nodes.filter(({ run_id }) => run_id !== "r"), edges: story.edges.filter(({ run_id }) => run_id !== "r") };

  // The origin goes to 2,000; 5 % of what is after step 700.
  assert.deepEqual(forkFamily(known, "a1").range, [635, 2_000]);
  assert.equal(forkFamily(story, "a1").range, null, "the steps of r began anew");
  const empty = { nodes: [...known.nodes, node("r", "r", 1, null, null)], edges: story.edges };
  assert.deepEqual(forkFamily(empty, "a1").range, [635, 2_000], "nothing is left outside of a fork without points");
  assert.deepEqual(fromFork([forkOf(story, "h"), forkOf(story, "r")]), [975, 1_500]);
  assert.deepEqual(fromFork([{ step: 7, last: 7 }]), [6, 7]);
  assert.equal(fromFork([{ step: null, last: 10 }]), null);
  assert.equal(fromFork([]), null);
});

test("the base of a set that begins with a fork is what that was forked from, where it is there", () => {
  const forks = new Map(["f", "g2", "h"].map((run) => [run, forkOf(story, run)]));

  assert.equal(baseOf(["f", "a2", "a1"], forks), "a2");
  assert.equal(baseOf(["f", "a3"], forks), "a3", "another attempt of the same training");
  assert.equal(baseOf(["h", "f", "a1"], forks), "a1", "a fork of a fork");
  assert.equal(baseOf(["r", "a2", "f"], forks), "r");
  assert.equal(baseOf(["f", "g2"], forks), "f");
  assert.equal(baseOf([], forks), undefined);
});

test("steps that were chosen by hand are read as they were written", () => {
  const text = writeShift(writeShift(undefined, "f", 400), "g", 7);

  assert.equal(text, "f:400,g:7");
  assert.deepEqual([...readShifts(text)], [["f", 400], ["g", 7]]);
  assert.equal(writeShift("f:400", "f", null), undefined);
  assert.equal(readShifts("f:,:4,f:-3,f:x,f:1e5").size, 0);
});

test("what was configured comes before times, and ids come last", () => {
  const rows = [
    ["attribute", "start_time"], ["param", "metadata.run_id"], ["param", "config.training.fork_run_id"], ["param", "config.lr"],
    ["tag", "mlflow.runName"], ["tag", "team"],
  ].map(([kind, key]) => ({ kind, key, values: [] }));

  assert.deepEqual(configuredFirst(rows).map(({ key }) => key), [
    "config.lr", "team", "start_time", "metadata.run_id", "config.training.fork_run_id", "mlflow.runName",
  ]);
});
