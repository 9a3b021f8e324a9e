import assert from "node:assert/strict";
import { test } from "node:test";
import { spanOf, scrollTo, ROW_PX } from "../src/parts/window.ts";
import { asSelection, countOf, EVERYTHING, isPicked, NOTHING, only, readPicked, toggled, withRuns, writePicked } from "../src/screens/runs/selection.ts";
import { demanded, demanding, alsoDemanding, searchOf, spanMs } from "../src/screens/runs/search.ts";
import { branchesOf, found, partsOf } from "../src/screens/runs/key_tree.ts";
import { Outline, below } from "../src/screens/runs/tree.ts";
import { drawnRuns } from "../src/screens/runs/charts_side.tsx";

function row(run, tree = {}) {
  const whole = { kind: "training", attempts: 1, copies: 0, prepared: 0, children: 0, matching: 1, runs: 1, matches: true, ...tree };
  return { key: whole.kind === "run" ? `${run}~` : run, run, experiment: "1", deleted: false, cells: new Map(), tree: whole, progress: null };
}

function level(total, rows) {
  const entries = Object.entries(rows).map(([place, it]) => [Number(place), it]);
  return { total, rows: new Map(entries), places: new Map(entries.map(([place, it]) => [it.key, place])) };
}

test("a row opens to its attempts, else to what is nested in it", () => {
  assert.deepEqual(below(row("a", { attempts: 2, copies: 1, children: 3 })), { level: "attempts_of:a", total: 3 });
  assert.deepEqual(below(row("a", { children: 3 })), { level: "children_of:a", total: 3 });
  assert.deepEqual(below(row("a", { kind: "run", attempts: 1, children: 2 })), { level: "children_of:a", total: 2 });
  assert.equal(below(row("a")), null);
});

test("open rows have theirs beneath them, at any depth, before these were loaded too", () => {
  const levels = new Map([
    ["", level(100, { 0: row("a", { attempts: 2 }), 1: row("b"), 50: row("c", { children: 40 }) })],
    ["attempts_of:a", level(2, { 0: row("a0", { kind: "run" }), 1: row("a", { kind: "run", children: 1 }) })],
    ["children_of:a", level(1, { 0: row("n") })],
  ]);
  const outline = new Outline(levels, new Set(["a", "a~", "c"]));
  const at = (index) => {
    const slot = outline.slot(index);
    return [slot.row?.run, slot.level, slot.place, slot.depth, slot.above];
  };
  assert.equal(outline.total, 100 + 2 + 1 + 40);
  assert.deepEqual(at(0), ["a", "", 0, 1, -1]);
  assert.deepEqual(at(1), ["a0", "attempts_of:a", 0, 2, 0]);
  assert.deepEqual(at(2), ["a", "attempts_of:a", 1, 2, 0]);
  assert.deepEqual(at(3), ["n", "children_of:a", 0, 3, 2]);
  assert.deepEqual(at(4), ["b", "", 1, 1, -1]);
  assert.deepEqual(at(53), ["c", "", 50, 1, -1]);
  assert.deepEqual(at(54), [undefined, "children_of:c", 0, 2, 53]);
  assert.deepEqual(at(94), [undefined, "", 51, 1, -1]);
  assert.equal(outline.slot(143), undefined);
  assert.equal(outline.indexOf("a~"), 2);
  assert.equal(outline.indexOf("c"), 53);
  assert.equal(outline.indexOf("nobody"), -1);
});

test("a closed tree and an empty one are lists", () => {
  assert.equal(new Outline(new Map(), new Set()).total, 0);
  const outline = new Outline(new Map([["", level(3, { 1: row("b", { children: 2 }) })]]), new Set());
  assert.deepEqual([outline.total, outline.slot(1).row.run, outline.isOpen(outline.slot(1).row)], [3, "b", false]);
});

test("the first rows are drawn, those that are hidden make room for others", () => {
  const levels = new Map([["", level(9, { 0: row("a"), 1: row("b"), 2: row("c"), 3: row("d"), 5: row("f") })]]);
  const ids = (hidden, most) => drawnRuns(new Outline(levels, new Set()), new Set(hidden), most, false, (it) => it.run).map(({ id }) => id).join("");
  assert.equal(ids([], 2), "ab");
  assert.equal(ids(["a"], 2), "abc");
  assert.equal(ids([], 20), "abcdf");
});

test("only what is seen is made, with a little around it", () => {
  assert.deepEqual(spanOf(0, 320, 10_000), { first: 0, end: 16 });
  assert.deepEqual(spanOf(ROW_PX * 1000, 320, 10_000), { first: 994, end: 1016 });
  assert.deepEqual(spanOf(ROW_PX * 9_990, 320, 10_000), { first: 9_984, end: 10_000 });
  assert.deepEqual(spanOf(0, 320, 0), { first: 0, end: 0 });
  assert.deepEqual(spanOf(ROW_PX * 50, 320, 3), { first: 3, end: 3 });
});

test("a row is scrolled to only where it is not seen whole", () => {
  assert.equal(scrollTo(5, 0, 640, 32), null);
  assert.equal(scrollTo(5, ROW_PX * 6, 640, 32), ROW_PX * 5);
  assert.equal(scrollTo(40, 0, 640, 32), 40 * ROW_PX + ROW_PX + 32 - 640);
});

test("a selection is of runs, or of all but some", () => {
  const some = toggled(toggled(NOTHING, "a"), "b");
  assert.deepEqual([isPicked(some, "a"), isPicked(some, "c"), countOf(some, 50)], [true, false, 2]);
  const most = toggled(EVERYTHING, "a");
  assert.deepEqual([isPicked(most, "a"), isPicked(most, "c"), countOf(most, 50)], [false, true, 49]);
  assert.equal(countOf(toggled(most, "a"), 50), 50);
  assert.equal(countOf(withRuns(some, ["b", "c", "d"], true), 50), 4);
});

test("a selection stands in the address where that can hold it, and goes to the server as a search where it is one", () => {
  assert.equal(writePicked(EVERYTHING), "*");
  assert.equal(writePicked(NOTHING), undefined);
  assert.equal(writePicked(only(Array.from({ length: 101 }, (_, index) => `r${index}`))), undefined);
  assert.deepEqual(readPicked("a,b"), only(["a", "b"]));
  assert.deepEqual(readPicked("*"), EVERYTHING);
  const search = { experiment_ids: ["1"], filter: "metrics.loss < 1" };
  assert.deepEqual(asSelection(only(["a"]), search), { run_ids: ["a"] });
  assert.deepEqual(asSelection(toggled(EVERYTHING, "a"), search), { ...search, filter: "metrics.loss < 1 AND attributes.run_id NOT IN ('a')" });
});

test("the state of the screen is one search", () => {
  const state = { q: "aifs", from: "7d", sort: "-metrics.loss", state: "deleted" };
  assert.deepEqual(searchOf(["1"], state, 1_000_000_000), {
    experiment_ids: ["1"],
    filter: `attributes.run_name ILIKE '%aifs%' AND attributes.start_time >= ${1_000_000_000 - 7 * 86_400_000}`,
    order_by: ["metrics.loss DESC"],
    run_view_type: "DELETED_ONLY",
  });
  assert.equal(spanMs("12h"), 43_200_000);
  assert.equal(spanMs("7w"), null);
});

test("a chip replaces its own clause and leaves the others", () => {
  const q = "metrics.loss < 1 AND status = 'FAILED'";
  assert.deepEqual(demanded(q, "attributes.status"), { field: "attributes.status", not: false, value: "FAILED" });
  assert.equal(demanding(q, "attributes.status", "RUNNING"), "metrics.loss < 1 AND attributes.status = 'RUNNING'");
  assert.equal(demanding(q, "attributes.status", null), "metrics.loss < 1");
  assert.equal(demanding("aifs", "attributes.status", "RUNNING", true), "attributes.run_name ILIKE '%aifs%' AND attributes.status != 'RUNNING'");
  assert.equal(alsoDemanding("aifs", "a = 'b'"), "attributes.run_name ILIKE '%aifs%' AND a = 'b'");
});

test("names are a tree by their slashes and dots; what leads to one thing only is one part", () => {
  const choice = (name, differs = true) => ({ column: { id: name, kind: "param", key: name }, parts: partsOf(name), differs, about: "" });
  const choices = ["config.training.lr.rate", "config.training.lr.min", "config.model.a", "val/loss/10", "val/loss/9", "val/loss", "seed"].map((name) => choice(name));
  const text = (branches, indent = "") => branches.map((branch) => `${indent}${branch.name}${branch.choice ? "*" : ""}\n${text(branch.branches, `${indent}  `)}`).join("");
  assert.equal(
    text(branchesOf(choices)),
    "config.\n  model.a*\n  training.lr.\n    min*\n    rate*\nseed*\nval/\n  loss*\n  loss/\n    9*\n    10*\n",
  );
  assert.deepEqual(found([choice("a.b"), choice("a.c", false)], "A", true).map(({ parts }) => parts.join("")), ["a.b"]);
});

test("attempts have no curve of their own beside the one of their training, and equal names are told apart", () => {
  const attempts = { 0: row("a1", { kind: "run" }), 1: row("a2", { kind: "run" }) };
  const training = row("a2", { kind: "training", attempts: 2 });
  const levels = new Map([["", level(2, { 0: training, 1: row("b") })], ["attempts_of:a2", level(2, attempts)]]);
  const names = (joined) => drawnRuns(new Outline(levels, new Set([training.key])), new Set(), 20, joined, () => "same").map(({ name }) => name);
  assert.deepEqual(names(true), ["same a2", "same b"]);
  assert.deepEqual(names(false), ["same a2", "same a1", "same b"]);
});
