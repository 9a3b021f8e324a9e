import assert from "node:assert/strict";
import { test } from "node:test";
import { family, outline } from "../src/lib/family.ts";

const node = (run_id, training_id, more = {}) => ({
  run_id, training_id, experiment_id: "1", run_name: `name of ${run_id}`, user_id: "ada", status: "FINISHED", lifecycle_stage: "active",
  start_time: 1, end_time: 2, role: "attempt", attempt: 1, ...more,
});

/** a was resumed by b and c; d copies b; f was forked from a and has n nested in it, which has m. */
const story = {
  run_id: "b",
  training_id: "a",
  nodes: [
    node("a", "a"), node("b", "a", { attempt: 2 }), node("c", "a", { attempt: 3 }), node("d", "a", { role: "copy", attempt: 2 }),
    node("f", "f"), node("n", "n"), node("m", "m"),
  ],
  edges: [
    { kind: "resume", run_id: "b", target: "a", target_run_id: "a" },
    { kind: "resume", run_id: "c", target: "b", target_run_id: "b" },
    { kind: "copy", run_id: "d", target: "b", target_run_id: "b" },
    { kind: "fork", run_id: "f", target: "a", target_run_id: "a", step: 60_000 },
    { kind: "nest", run_id: "n", target: "f", target_run_id: "f" },
    { kind: "nest", run_id: "m", target: "n", target_run_id: "n" },
  ],
  trainings: [],
  missing: [],
  truncated: false,
};

/** The list as lines, two spaces for each level. */
const lines = (branches, indent = "") =>
  branches.flatMap(({ run_id, node: known, how, below }) => [
    `${indent}${run_id}${known ? "" : " (absent)"}${how && ` ${how}`}`,
    ...lines(below, `${indent}  `),
  ]);

test("an attempt knows its number, and those before and after it", () => {
  const { attempt, origin, children } = family(story, "b");

  assert.equal(attempt.number, 2);
  assert.equal(attempt.of, 3);
  assert.deepEqual([attempt.first.run_id, attempt.previous.run_id, attempt.next.run_id], ["a", "a", "c"]);
  assert.equal(origin, null);
  assert.equal(children, 0);
});

test("a run that stands alone is no attempt", () => {
  const alone = { ...story, nodes: [node("x", "x")], edges: [] };

  assert.deepEqual(family(alone, "x"), {
    attempt: null, resumed: null, parent: null, origin: null, forks: null, copyOf: null, copies: [], prepared: false, children: 0,
  });
  assert.deepEqual(lines(outline(alone, String)), ["x"]);
});

test("a fork names its origin and the step, and counts what is nested in it at any depth", () => {
  const { origin, children, forks } = family(story, "f");

  assert.equal(origin.node.run_id, "a");
  assert.equal(origin.step, 60_000);
  assert.equal(forks, null, "others of its origin are not its own");
  assert.deepEqual(family(story, "b").forks.forks.map(({ run_id }) => run_id), ["f"]);
  assert.equal(children, 2);
});

test("copies of one origin know each other", () => {
  assert.equal(family(story, "d").copyOf.run_id, "b");
  assert.deepEqual(family(story, "b").copies.map((copy) => copy.run_id), ["d"]);
});

test("what was resumed and is not on this server is told by its id", () => {
  const lonely = { ...story, nodes: [node("b", "b")], edges: [{ kind: "resume", run_id: "b", target: "gone", target_run_id: null }] };

  assert.deepEqual(family(lonely, "b").resumed, { run_id: "gone", node: null, step: null });
  assert.deepEqual(lines(outline(lonely, String)), ["gone (absent)", "  b resumed"]);
});

test("a lineage is one indented list, each run in it once", () => {
  assert.deepEqual(lines(outline(story, String)), [
    "a attempt 1",
    "  b attempt 2",
    "  c attempt 3",
    "  d copy of attempt 2",
    "  f forked at step 60000",
    "    n nested",
    "      m nested",
  ]);
});

test("runs that are nested in each other in a circle are listed all the same", () => {
  const circle = {
    ...story,
    nodes: [node("x", "x"), node("y", "y")],
    edges: [
      { kind: "nest", run_id: "x", target: "y", target_run_id: "y" },
      { kind: "nest", run_id: "y", target: "x", target_run_id: "x" },
    ],
  };

  assert.equal(lines(outline(circle, String)).length, 2);
  assert.equal(family(circle, "x").children, 1);
});

test("runs that hang on each other by thousands are listed, in order, as deep as can be drawn", () => {
  const ids = Array.from({ length: 5_000 }, (_, place) => `r${place}`);
  const edges = ids.slice(1).map((id, place) => ({ kind: "nest", run_id: id, target: ids[place], target_run_id: ids[place] }));
  const chain = { ...story, nodes: ids.map((id) => node(id, id)), edges };

  const listed = lines(outline(chain, String)).map((line) => line.replace(" nested", ""));
  assert.deepEqual(listed.map((line) => line.trim()), ids);
  assert.deepEqual(listed.slice(19, 22).map((line) => line.search(/r/)), [38, 40, 40]);
  assert.equal(family(chain, "r0").children, 4_999);
});

test("a fork that also resumes is listed as a fork", () => {
  const both = {
    ...story,
    nodes: [node("a", "a"), node("p", "p", { role: "prepared" }), node("f", "f")],
    edges: [
      { kind: "resume", run_id: "f", target: "p", target_run_id: "p" },
      { kind: "fork", run_id: "f", target: "a", target_run_id: "a", step: null },
    ],
  };

  assert.deepEqual(lines(outline(both, String)), ["a", "  f forked", "p"]);
});
