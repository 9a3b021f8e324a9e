import assert from "node:assert/strict";
import { test } from "node:test";
import { isDrawn, isShown, originNote, partsFor, partsOf, rangeOf, withParts } from "../src/charts/origin.ts";
import { strandsOf } from "../src/charts/strands.ts";

const part = (run, from, until, root = run) => ({ run, name: `name of ${run}`, from, until, root });
const segment = (values, at = null) => ({ first_step: 0, last_step: 0, at, mean: values, min: values, max: values });
const series = (run_id, values, more = {}) => ({ run_id, metric: "loss", total: values.length, points: values.length, segments: [segment(values)], ...more });
const answer = (x, all) => ({ x, raw: true, grid: null, series: all });
const NONE = new Set();

test("what several forks come from is drawn once, as far as the last of them goes", () => {
  const fork = (...before) => ({ origin: {}, step: 1, before: before.map(([run_id, from, until]) => ({ run_id, name: `name of ${run_id}`, from, until })) });
  const forks = new Map([["f", fork(["b", 40, 50], ["a", 0, 40])], ["g", fork(["b", 40, 80], ["a", 0, 40])], ["h", { origin: {}, step: null, before: [] }]]);

  assert.deepEqual(partsOf(["f", "g", "h", "x"], forks), [part("b", 40, 80), part("a", 0, 40, "b")]);
  assert.deepEqual(partsOf(["x", "h"], forks), []);
});

test("of a part only the steps before the fork are asked for, within what is shown", () => {
  assert.deepEqual(rangeOf(part("a", 0, 50), null), [0, 49]);
  assert.deepEqual(rangeOf(part("a", 0, 50), [20, 100]), [20, 49]);
  assert.deepEqual(rangeOf(part("a", 0, 50), [-5, 30]), [0, 30]);
  assert.equal(rangeOf(part("a", 0, 50), [50, 100]), null);
  assert.deepEqual(rangeOf(part("a", 0, 1), null), [-0.5, 0]);
});

test("curves and what is before them get one x, each at its places", () => {
  const own = answer([50, 55, 60], [series("f", [1, 2, 3], { nan: { count: 1, first_step: 60, at: [2] } })]);
  const before = { part: part("a", 0, 50), answer: answer([10, 49], [series("a", [8, 9])]) };
  const { x, series: all } = withParts(own, [before]);

  assert.deepEqual(x, [10, 49, 50, 55, 60]);
  assert.deepEqual(all.map(({ run_id, until, segments }) => [run_id, until, segments[0].at]), [["a", 50, [0, 1]], ["f", undefined, [2, 3, 4]]]);
  assert.deepEqual(all[1].nan.at, [4]);
  assert.equal(withParts(own, []), own);
  assert.equal(withParts(own, [{ part: part("a", 0, 50), answer: answer([], [series("a", [])]) }]), own);
});

test("what is before a fork keeps the buckets of its own answer", () => {
  const before = (grid) => [{ part: part("a", 0, 50), answer: { ...answer([10, 49], [series("a", [8, 9])]), grid } }];
  const own = { ...answer([60, 80], [series("f", [1, 2])]), grid: { start: 50, width: 20 } };
  const widths = (grid) => strandsOf(withParts(own, before(grid)), NONE, false).map(({ run, width }) => [run, width]);

  assert.deepEqual(widths({ start: 0, width: 5 }), [["a", 5], ["f", 20]]);
  assert.deepEqual(widths(null), [["a", 0], ["f", 20]]);
});

test("what is before a fork is faded, stays when its run is hidden, and is named", () => {
  const before = { part: part("a", 0, 50), answer: answer([10, 49], [series("a", [8, 9])]) };
  const all = withParts(answer([50], [series("f", [1]), series("a", [5])]), [before]);
  const strands = strandsOf(all, new Set(["a"]), false);

  assert.deepEqual(strands.map(({ run, newest, places }) => [run, newest, places]), [["a", false, [0, 1]], ["f", true, [2]]]);
  assert.deepEqual(all.series.map((one) => isShown(one, new Set(["a"]))), [true, true, false]);
  assert.equal(originNote(all.series, (run) => `name of ${run}`), "faded: name of a up to step 50");
  assert.equal(originNote([series("f", [1])], String), null);
});

test("what is drawn anyway is not drawn twice", () => {
  const joined = answer([1], [series("b", [1], { attempts: [{ run_id: "a" }, { run_id: "b" }] })]);

  assert.deepEqual(["a", "b", "c"].map((run) => isDrawn(part(run, 0, 1), joined, NONE)), [true, true, false]);
  assert.equal(isDrawn(part("a", 0, 1), joined, new Set(["b"])), false);
});

test("metrics of the machine, and what is not drawn along steps, have no origin", () => {
  const parts = [{ run: "a", name: "a", from: 0, until: 5, root: "a" }];
  assert.equal(partsFor(parts, "step", ["loss"]), parts);
  assert.deepEqual(partsFor(parts, "relative", ["loss"]), []);
  assert.deepEqual(partsFor(parts, "step", ["loss", "system/cpu"]), []);
});
