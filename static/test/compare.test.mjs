import assert from "node:assert/strict";
import { test } from "node:test";
import { differ, rowsShown } from "../src/screens/compare/difference_rows.ts";
import { valueText } from "../src/lib/diff_text.ts";
import { inView } from "../src/screens/compare/in_view.ts";
import { betterByName } from "../src/lib/better.ts";
import { bestOf, commonStep, deltaText, shownOf, verdict } from "../src/lib/metric_values.ts";
import { columnsOf, moved, toggled } from "../src/screens/compare/run_set.ts";

const RUNS = ["a", "b", "c"].map((id) => ({ id }));
const value = (number) => ({ value: number, step: 0 });

test("the base comes first and is always shown", () => {
  assert.deepEqual(columnsOf(RUNS, "c", []).map(({ id }) => id), ["c", "a", "b"]);
  assert.deepEqual(columnsOf(RUNS, "a", ["a", "b"]).map(({ id }) => id), ["a", "c"]);
});

test("a run is moved to where another is", () => {
  assert.deepEqual(moved(["a", "b", "c", "d"], 0, 2), ["b", "c", "a", "d"]);
  assert.deepEqual(moved(["a", "b", "c", "d"], 3, 0), ["d", "a", "b", "c"]);
  assert.deepEqual(toggled(["a", "b"], "a"), ["b"]);
  assert.deepEqual(toggled(["a"], "b"), ["a", "b"]);
});

test("rows are those in which the shown runs differ, and that have all words", () => {
  const rows = [
    { kind: "param", key: "config.lr", values: ["1e-4", "1e-4", "1e-5"] },
    { kind: "param", key: "layers", values: ["4", null, "4"] },
    { kind: "tag", key: "hpc", values: ["lumi", "leonardo", "lumi"] },
    { kind: "param", key: "same", values: ["x", "x", "x"] },
  ];
  const keys = (places, all, filter) => rowsShown(rows, places, all, filter).map(({ key }) => key);
  assert.deepEqual(keys([0, 1, 2], false, ""), ["config.lr", "layers", "hpc"]);
  assert.deepEqual(keys([0, 1], false, ""), ["layers", "hpc"]);
  assert.deepEqual(keys([0, 1], true, ""), ["config.lr", "layers", "same", "hpc"]);
  assert.deepEqual(keys([0, 1, 2], false, "PARAM lr"), ["config.lr"]);
  assert.deepEqual(keys([0, 1, 2], false, "leonardo"), ["hpc"]);
});

test("values that were cut may differ in what is not told", () => {
  const cut = `${"x".repeat(2_000)}…`;
  assert.equal(differ(cut, cut), true);
  assert.equal(differ("x…", "x…"), false);
});

test("attributes are told as people read them", () => {
  const attribute = (key, told) => valueText({ kind: "attribute", key, values: [] }, told);
  assert.equal(attribute("duration", 7_800_000), "2 h 10 min");
  assert.match(attribute("start_time", 1_790_000_000_000), /2026/);
  assert.equal(attribute("status", "FINISHED"), "FINISHED");
  assert.equal(valueText({ kind: "param", key: "duration", values: [] }, "5"), "5");
  assert.equal(valueText({ kind: "tag", key: "x", values: [] }, null), "not set");
});

test("what is better of a metric is in its name", () => {
  const low = ["loss", "val_loss", "train_wmse_step", "rmse/t_850", "val_mkcrps_epoch", "val_wmse_inference_epoch/z_500", "MAE"];
  const high = ["accuracy", "val_acc", "f1_score", "acc/z_500", "r2", "skill_500"];
  const neither = ["lr-AdamW", "epoch", "system/gpu_0_utilization_percentage", "account", "lossless", "glosses"];
  for (const name of low) assert.equal(betterByName(name), "min", name);
  for (const name of high) assert.equal(betterByName(name), "max", name);
  for (const name of neither) assert.equal(betterByName(name), "none", name);
});

test("a cell shows the last value, the best or that at a step", () => {
  const summary = { count: 3, nan: 0, last: 2, last_step: 9, last_time: 0, min: 1, min_step: 4, max: 5, max_step: 0, first_step: 0, at: 3, at_step: 2 };
  assert.deepEqual(shownOf(summary, "last", "min"), { value: 2, step: 9 });
  assert.deepEqual(shownOf(summary, "best", "min"), { value: 1, step: 4 });
  assert.deepEqual(shownOf(summary, "best", "max"), { value: 5, step: 0 });
  assert.equal(shownOf(summary, "best", "none"), null);
  assert.deepEqual(shownOf(summary, "at", "min"), { value: 3, step: 2 });
  assert.equal(shownOf({ ...summary, at: null, at_step: null }, "at", "min"), null);
  assert.equal(shownOf(null, "last", "min"), null);
});

test("the best is marked where there is one", () => {
  const best = (values, better) => [...bestOf(values.map((number) => (number === null ? null : value(number))), better)];
  assert.deepEqual(best([3, 1, 2], "min"), [1]);
  assert.deepEqual(best([3, 1, 3], "max"), [0, 2]);
  assert.deepEqual(best(["NaN", 1, null, 2], "min"), [1]);
  assert.deepEqual(best([1, 1], "min"), []);
  assert.deepEqual(best([1, null], "min"), []);
  assert.deepEqual(best([1, 2], "none"), []);
});

test("a difference has a sign and is never told as none", () => {
  assert.equal(deltaText(value(3), value(2), "abs"), "+1");
  assert.equal(deltaText(value(1.5), value(2), "abs"), "−0.5");
  assert.equal(deltaText(value(2), value(2), "abs"), "±0");
  assert.equal(deltaText(value(3), value(2), "pct"), "+50 %");
  assert.equal(deltaText(value(2.062), value(2), "pct"), "+3.1 %");
  assert.equal(deltaText(value(2.00001), value(2), "pct"), "+0.0005 %");
  assert.equal(deltaText(value(-3), value(-2), "pct"), "−50 %");
  assert.equal(deltaText(value(1), value(0), "pct"), "");
  assert.equal(deltaText(value("NaN"), value(2), "abs"), "");
  assert.equal(deltaText(value(1), null, "abs"), "");
  assert.equal(deltaText(value(1), value(2), "none"), "");
});

test("lower is better, or worse", () => {
  assert.equal(verdict(value(1), value(2), "min"), "better");
  assert.equal(verdict(value(1), value(2), "max"), "worse");
  assert.equal(verdict(value(2), value(2), "min"), "");
  assert.equal(verdict(value(1), value(2), "none"), "");
});

test("a step that all runs have reached", () => {
  const cell = (last_step) => ({ last_step });
  assert.equal(commonStep([{ cells: [cell(10), cell(30), null] }, { cells: [cell(50), null, cell(40)] }]), 30);
  assert.equal(commonStep([]), 0);
});

test("only lines near what can be seen are drawn", () => {
  assert.deepEqual(inView(1_000, 30, 3_000, 300), { from: 96, to: 114 });
  assert.deepEqual(inView(5, 30, 0, 300), { from: 0, to: 5 });
  assert.deepEqual(inView(5, 30, 9_000, 300), { from: 5, to: 5 });
  assert.deepEqual(inView(0, 30, 0, 300), { from: 0, to: 0 });
});
