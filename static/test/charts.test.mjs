import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, oddMarks } from "../src/charts/arrange.ts";
import { spread, together, withMetrics } from "../src/charts/batch.ts";
import { choiceFor, withChoice } from "../src/charts/choices.ts";
import { readingsAt } from "../src/charts/cursor.ts";
import { nameFilter } from "../src/charts/filter.ts";
import { idleRanges } from "../src/charts/idle.ts";
import { constantOf, isAtOneStep, kindOf } from "../src/charts/kind.ts";
import { notesOf, summaryOf } from "../src/charts/notes.ts";
import { scaleOf } from "../src/charts/range.ts";
import { sectionsOf } from "../src/charts/sections.ts";
import { limitsOf, settingsOf } from "../src/charts/settings.ts";
import { meanStrands, strandsOf } from "../src/charts/strands.ts";
import { aboutX, readX, shortX } from "../src/charts/x_words.ts";
import { logTicks, ticks, valueLabels, xLabels } from "../src/charts/ticks.ts";

const segment = (values, at = null, more = {}) => ({
  first_step: 0,
  last_step: values.length - 1,
  at,
  mean: values,
  min: values,
  max: values,
  ...more,
});

/** A series as the server tells it, with these segments. */
const series = (segments, more = {}) => {
  const points = segments.reduce((sum, { mean }) => sum + mean.length, 0);
  const finite = segments.flatMap(({ mean }) => mean).filter((value) => typeof value === "number");
  return {
    run_id: "a",
    metric: "loss",
    total: points,
    points,
    min_step: 0,
    max_step: points - 1,
    min: Math.min(...finite),
    max: Math.max(...finite),
    segments,
    ...more,
  };
};

const answer = (x, all, raw = true) => ({ x, raw, grid: raw ? null : { start: 0, width: 1 }, series: all });
const WISH = { log: false, cut: true, limits: null };
const NONE = new Set();

/** All of the way from an answer to a drawing. */
const drawn = (found, wish = WISH, hidden = NONE) => {
  const strands = strandsOf(found, hidden, false);
  return arrange(found.x, strands, scaleOf(strands, wish), oddMarks(found.series, found.x.length));
};
const steps = (count) => Array.from({ length: count }, (_, index) => index);
const texts = (all, marks = []) => notesOf(all, marks).map(({ text }) => text);

test("what is drawn follows from the number of values, never from their steps", () => {
  assert.equal(kindOf([]), "none");
  assert.equal(kindOf([series([])]), "none");
  assert.equal(kindOf([series([segment([1])])]), "tile");
  assert.equal(kindOf([series([segment([1])]), series([segment([2])], { run_id: "b" })]), "dots");
  assert.equal(kindOf([series([segment([1, 2])], { min_step: 0, max_step: 0 })]), "line");
  assert.equal(kindOf([series([segment([null])], { points: 40, nan: { count: 40, first_step: 0, at: null } })]), "line");
});

test("values at one step are told as that, and a constant with its value", () => {
  const still = series([segment([1, 2])], { total: 200, points: 200, min_step: 0, max_step: 0 });
  assert.equal(isAtOneStep([still]), true);
  assert.deepEqual(texts([still]), ["200 values, all at step 0", "2 of 200 points"]);
  assert.equal(isAtOneStep([still, series([segment([1, 2])])]), false);
  assert.equal(isAtOneStep([series([segment([1])], { max_step: 0 })]), false, "one value is at one step anyhow");
  const constant = series([segment([0.5, 0.5, 0.5])]);
  assert.equal(constantOf([constant]), 0.5);
  assert.deepEqual(texts([constant]), ["constant 0.5"]);
});

test("what is no number breaks the line over the x of other lines too, has marks, and is counted", () => {
  const broken = series([segment([1, null, 3], [0, 2, 4])], { points: 52, nan: { count: 50, first_step: 150, at: [2] } });
  const other = series([segment([5, 6], [1, 3])], { run_id: "b" });
  const { columns, marks } = drawn(answer(steps(5), [broken, other]));
  assert.deepEqual(columns, [
    [1, null, null, null, 3],
    [undefined, 5, undefined, 6, undefined],
  ]);
  assert.deepEqual(marks, [{ kind: "nan", place: 2, run: "a" }]);
  assert.deepEqual(texts([broken]), ["50 NaN from step 150"]);
  const infinite = { infinity: { count: 5, first_step: 10, at: [0] }, negative_infinity: { count: 2, first_step: 20, at: [1] } };
  assert.deepEqual(texts([series([segment([1, 2])], { points: 9, ...infinite })]), ["5 ∞ from step 10", "2 −∞ from step 20"]);
});

test("a value between two that are no numbers is a dot, so that it can be seen", () => {
  const values = [...steps(70).map(() => 1), null, 7, null];
  const { strokes } = drawn(answer(steps(73), [series([segment(values)])]));
  assert.deepEqual(strokes[0].dots, [71]);
});

test("passes over the same steps are lines of their own, older ones below and marked as old", () => {
  const again = series([segment([3, 2, 1], [0, 1, 2]), segment([2, 1], [1, 2], { first_step: 300 })]);
  const { strokes, columns } = drawn(answer(steps(3), [again]));
  assert.deepEqual(strokes.map(({ newest }) => newest), [false, true]);
  assert.deepEqual(columns, [[3, 2, 1], [undefined, 2, 1]]);
  assert.deepEqual(texts([again]), ["restarted at step 300"]);
  assert.equal(strandsOf(answer(steps(3), [again]), NONE, true).every(({ newest }) => newest), true, "along time nothing is gone over");
});

test("a band is drawn where buckets have more than one value, and the raw line behind a smoothed one", () => {
  const wide = series([segment([2, 3], null, { min: [1, 3], max: [4, 3], smooth: [2, 2.5] })], { total: 9, points: 9 });
  const { strokes, columns } = drawn(answer(steps(2), [wide], false));
  assert.deepEqual(strokes.map(({ role }) => role), ["top", "bottom", "ghost", "line"]);
  assert.deepEqual(columns, [[4, 3], [1, 3], [2, 3], [2, 2.5]]);
  assert.deepEqual(texts([wide]), ["2 of 9 points"]);
});

test("a few far points are left outside with marks that are counted, unless all are wanted", () => {
  const values = steps(1_000).map((step) => (step === 500 ? 1e6 : Math.sin(step)));
  const found = answer(steps(1_000), [series([segment(values)])]);
  const { scale, marks } = drawn(found);
  assert.ok(scale.cut && scale.to < 2 && scale.from > -2, JSON.stringify(scale));
  const far = marks.filter(({ place }) => place === 500);
  assert.deepEqual(far, [{ kind: "above", place: 500, run: "a" }]);
  assert.equal(marks.length, 1);
  assert.deepEqual(texts(found.series, marks), ["1 point above"]);
  assert.deepEqual(texts([{ ...found.series[0], points: 2_000 }], marks), ["points above in 1 place", "1,000 of 2,000 points"]);
  assert.ok(drawn(found, { ...WISH, cut: false }).scale.to > 1e6);
});

test("a curve that falls is not cut, and one that is constant but for a point is", () => {
  const falling = steps(500).map((step) => 0.05 + 3 * Math.exp(-step / 30));
  assert.equal(drawn(answer(steps(500), [series([segment(falling)])])).scale.cut, false);
  const flat = steps(500).map((step) => (step === 9 ? 4 : 1));
  assert.equal(drawn(answer(steps(500), [series([segment(flat)])])).scale.cut, true);
});

test("of a few values none is far from the others", () => {
  for (const values of [[1, 2, 2, 3], [0.1, 0.1, 0.1, 0.1, 5]]) {
    const { scale, marks } = drawn(answer(steps(values.length), [series([segment(values)])]));
    assert.deepEqual([scale.cut, marks], [false, []]);
  }
});

test("on a logarithmic axis what is not above 0 is marked and counted", () => {
  const found = answer(steps(4), [series([segment([-1, 0, 1, 100])])]);
  const { scale, marks, columns } = drawn(found, { ...WISH, log: true });
  assert.ok(scale.log && scale.from > 0.5 && scale.from < 1);
  assert.deepEqual(columns[0].slice(2), [1, 100]);
  assert.deepEqual(texts(found.series, marks), ["2 values ≤ 0"]);
  assert.equal(drawn(answer(steps(2), [series([segment([-1, -2])])]), { ...WISH, log: true }).scale.log, false);
});

test("hidden runs are not drawn, and many runs come to their mean and their band", () => {
  const all = answer(steps(3), [series([segment([0, 2], [0, 2])]), series([segment([3, 3, 3])], { run_id: "b" })]);
  assert.deepEqual(strandsOf(all, new Set(["a"]), false).map(({ run }) => run), ["b"]);
  const [mean] = meanStrands(strandsOf(all, NONE, false), all.x);
  assert.deepEqual([mean.mean, mean.min, mean.max], [[1.5, 2, 2.5], [0, 1, 2], [3, 3, 3]]);
});

test("a summary says in words what a chart shows", () => {
  const one = series([segment([1, 0.04])], { last_point: { step: 1, timestamp: 0, value: 0.041 } });
  const two = series([segment([1, 0.05])], { run_id: "b", last_point: { step: 1, timestamp: 0, value: 0.055 } });
  const name = (run) => `run ${run}`;
  assert.equal(summaryOf("val_loss", [one, two], name), "val_loss, 2 runs, last 0.041–0.055, lowest run a");
  assert.equal(summaryOf("val_loss", [one], name), "val_loss, run a, last 0.041, from 0.04 to 1");
  assert.equal(summaryOf("val_loss", [series([])], name), "val_loss, no values");
});

test("the cursor reads the nearest value of each line, those near to the pointer first, the newest of what was gone over", () => {
  const found = answer(steps(5), [
    series([segment([9, 9, 9], [0, 1, 2]), segment([1, 1], [1, 2])]),
    series([segment([5, 5], [0, 4])], { run_id: "b" }),
  ]);
  const read = (x, y) => readingsAt(drawn(found), x, y).map(({ run, value, x: at }) => [run, value, at]);
  assert.deepEqual(read(1.2, 4), [["b", 5, 0], ["a", 1, 1]]);
  assert.deepEqual(read(0, 8), [["a", 9, 0], ["b", 5, 0]]);
  assert.deepEqual(read(4, 0), [["b", 5, 4]], "a line that ended before says nothing");
  const early = answer(steps(101), [series([segment([1, 2], [0, 50])])]);
  const ends = (x) => readingsAt(drawn(early), x, 0).map(({ x: at }) => at);
  assert.deepEqual([ends(51), ends(60)], [[50], []], "an end is read a little beyond itself, and nothing far from it");
});

test("of many points together the cursor tells their steps, and of a point its own", () => {
  const read = (grid, x) => readX(readingsAt(drawn({ ...answer(x, [series([segment([1, 2])])]), raw: grid === null, grid }), x[0], 0)[0], "step", true);

  assert.equal(read({ start: 0, width: 125 }, [62.5, 187.5]), "steps 0–124");
  assert.equal(read({ start: 61_500, width: 125 }, [61_562.5, 61_687.5]), "steps 61,500–61,624");
  assert.equal(read({ start: 0, width: 2.5 }, [1.25, 3.75]), "steps 0–2");
  assert.equal(read({ start: 3, width: 1 }, [3.5, 4.5]), "step 3", "a bucket of one step");
  assert.equal(read(null, [250, 500]), "step 250");
  assert.equal(shortX({ x: 61_562.5, width: 125 }, "step", true), "61,500–61,624");
  assert.equal(shortX({ x: 60_000, width: 125 }, "relative", true), "1 min 00 s");
  assert.equal(aboutX(61_562.4, "step", true), "about step 61,562");
});

test("cards that differ in nothing but their metrics are asked for together, up to a size", () => {
  const asks = steps(9).map((index) => ({ run_ids: steps(10).map(String), metrics: [`m${index}`], x: index === 8 ? "wall" : "step" }));
  const groups = together(asks, (ask) => ask);
  assert.deepEqual(groups.map((group) => group.length), [4, 4, 1]);
});

test("an answer for several cards serves those that fill its grid; short and rare ones are asked for again, alike ones together", () => {
  const long = series([segment(steps(100).map(() => 1))], { metric: "long", points: 100_000, total: 100_000 });
  const rare = (metric) => series([segment([1, 2, 3], [0, 50, 99])], { metric });
  const brief = series([segment([1, 2], [0, 1])], { metric: "brief", points: 2_000, total: 2_000 });
  const found = answer(steps(100), [long, rare("r1"), rare("r2"), brief], false);
  const { served, others } = spread(["long", "r1", "r2", "brief"], found, (metric) => [metric]);
  assert.deepEqual([served, others], [["long"], [["r1", "r2"], ["brief"]]]);
  assert.deepEqual(spread(["r1", "r2"], found, (metric) => [metric]).served, ["r1", "r2"], "alike ones have nothing to win");
  assert.deepEqual(spread(["r1"], answer([], []), () => []).served, ["r1"]);
  const alone = withMetrics(found, ["r1"]);
  assert.deepEqual([alone.x, alone.series[0].segments[0].at], [[0, 50, 99], [0, 1, 2]]);
});

test("metrics are found by words, by parts with a star and by regular expressions", () => {
  const names = ["val_loss", "train_loss", "val_rmse/z_500", "lr-AdamW"];
  const found = (text) => names.filter(nameFilter(text).matches);
  assert.deepEqual(found(""), names);
  assert.deepEqual(found("LOSS"), ["val_loss", "train_loss"]);
  assert.deepEqual(found("val loss"), ["val_loss"]);
  assert.deepEqual(found("train_*, lr"), ["train_loss", "lr-AdamW"]);
  assert.deepEqual(found("/^val.*\\d$/"), ["val_rmse/z_500"]);
  assert.deepEqual(found("/(/"), names);
  assert.match(nameFilter("/(/").error, /no regular expression/);
});

test("sections: principal, pinned, then prefixes, closed where there are many", () => {
  const metrics = ["val_loss", "lr", "rmse/t_850", "rmse/z_500", "epoch", ...steps(12).map((index) => `layer/${index}`)];
  const contents = { metrics, principal: ["val_loss"], pinned: ["epoch"], combined: [["rmse/t_850", "rmse/z_500"]], devices: false, filtered: false };
  const summary = (all) => all.map(({ title, cards, open }) => [title, cards.length, open]);
  assert.deepEqual(summary(sectionsOf(contents)), [
    ["Principal", 1, true],
    ["Pinned", 1, true],
    ["layer", 12, false],
    ["Other metrics", 1, false],
    ["rmse", 1, false],
  ]);
  assert.deepEqual(sectionsOf(contents).at(-1).cards, [{ id: "rmse/t_850+rmse/z_500", metrics: ["rmse/t_850", "rmse/z_500"] }]);
  assert.equal(sectionsOf({ ...contents, filtered: true }).every(({ open }) => open), true);
  const system = ["system/gpu_1_memory", "system/gpu_0_util", "system/gpu_0_memory", "system/cpu_utilization_percentage"];
  const devices = sectionsOf({ metrics: system, principal: [], pinned: [], combined: [], devices: true, filtered: false });
  assert.deepEqual(summary(devices), [["cpu", 1, true], ["gpu 0", 2, true], ["gpu 1", 1, true]]);
});

test("a choice counts for all cards or for one, and survives the way into the address and back", () => {
  let text = withChoice(undefined, "", "log");
  text = withChoice(text, "val_loss", "lin");
  assert.equal(text, "log,val_loss@lin");
  assert.deepEqual([choiceFor(text, "val_loss"), choiceFor(text, "lr"), choiceFor(undefined, "lr")], ["lin", "log", undefined]);
  assert.equal(withChoice(text, "", undefined), "val_loss@lin");
  assert.equal(choiceFor("val_loss@0:1", "val_loss"), "0:1");
});

test("what an address says of curves is read, and what means nothing is the default", () => {
  assert.deepEqual(settingsOf({ x: "wall", sm: "0.6", range: "10:20", each: "1" }, "step"), { x: "wall", smoothing: 0.6, range: [10, 20], each: true, origin: false });
  assert.deepEqual(settingsOf({ x: "bogus", sm: "7", range: "20:10" }, "step"), { x: "step", smoothing: 0, range: null, each: false, origin: false });
  assert.equal(settingsOf({ origin: "1" }, "step").origin, true);
  assert.deepEqual(limitsOf("-1e3:5"), [-1000, 5]);
  for (const text of ["", ":", "1", "1:2:3", "a:b", "1:"]) assert.equal(limitsOf(text), null, text);
});

test("ticks stand at round places, and their words tell them apart", () => {
  assert.deepEqual(ticks(0, 1_000, 5, "step"), [0, 200, 400, 600, 800, 1_000]);
  assert.deepEqual(ticks(0, 2, 10, "step"), [0, 1, 2], "there is no half step");
  assert.deepEqual(valueLabels(ticks(0.1, 0.35, 5, "value")), ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"]);
  assert.deepEqual(valueLabels([-0.5, 0, 0.5]), ["−0.5", "0.0", "0.5"]);
  assert.deepEqual(logTicks(0.001, 10, 4), [0.001, 0.01, 0.1, 1, 10]);
  assert.deepEqual(logTicks(1, 100, 6), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(logTicks(0.11, 0.7, 5), [0.2, 0.3, 0.5]);
  assert.deepEqual(logTicks(1e-20, 1, 5), [1e-20, 1e-15, 1e-10, 1e-5, 1]);
  assert.deepEqual(xLabels([0, 50_000, 100_000], "step"), ["0", "50k", "100k"]);
  assert.deepEqual(xLabels([0, 1_800_000, 3_600_000], "relative"), ["0", "30 min", "1 h"]);
  const day = Date.UTC(2026, 10, 23);
  const hours = ticks(day + 3_600_000, day + 26 * 3_600_000, 5, "wall");
  assert.deepEqual(xLabels(hours, "wall"), ["11-23 06:00", "12:00", "18:00", "11-24 00:00"]);
});

test("a device is idle where its use stays near 0", () => {
  const strands = strandsOf(answer(steps(6), [series([segment([90, 0, 1, 2, 95, 0])])]), NONE, true);
  assert.deepEqual(idleRanges("system/gpu_0_utilization_percentage", strands, steps(6)), [[1, 3]]);
  assert.deepEqual(idleRanges("loss", strands, steps(6)), []);
});
