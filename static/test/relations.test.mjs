import assert from "node:assert/strict";
import { test } from "node:test";
import { rankedColumns, relationText, tellingAxes } from "../src/charts/relations/axes.ts";
import { brushBetween, clausesOf, readBrushes, runsIn, withBrush, writeBrushes } from "../src/charts/relations/brush.ts";
import { columnFor, columnOf, different, distinctColumns, isIdentity, isNaming } from "../src/charts/relations/column.ts";
import { groupRefusal, groupsOf } from "../src/charts/relations/groups.ts";
import { axesOf, layoutOf, linesOf, nearestLine } from "../src/charts/relations/lines.ts";
import { isWide, scaleOf } from "../src/charts/relations/scale.ts";
import { elementOf, short, toSvg } from "../src/charts/relations/shapes.ts";
import { boxOf, correlationRatio, quantile, ranks, relationOf, spearman } from "../src/charts/relations/statistics.ts";
import { isStraight, lineAt, partAbove, refusalOf, sitesOf, trianglesOf } from "../src/charts/relations/surface.ts";

const loss = (...cells) => columnOf("metrics.loss", cells);
const param = (name, ...cells) => columnOf(`params.${name}`, cells);
const close = (found, expected, message) => assert.ok(Math.abs(found - expected) < 1e-12, `${message ?? ""} ${found} is not ${expected}`);

test("a param is a number if all its values read as numbers; None and NaN are values without a place", () => {
  const lr = param("config.lr", "1e-4", "0.001", null, "None", " 5 ", "nan");
  assert.equal(lr.name, "lr");
  assert.equal(lr.kind, "number");
  assert.deepEqual(lr.values, [1e-4, 1e-3, NaN, NaN, 5, NaN]);
  assert.deepEqual([lr.missing, lr.odd], [1, 2]);
  assert.deepEqual(different(lr), [1e-4, 1e-3, 5]);
  const metric = loss(0.5, "NaN", "Infinity", null);
  assert.deepEqual([metric.kind, metric.missing, metric.odd, metric.values[0]], ["number", 1, 2, 0.5]);
  assert.equal(columnOf('params."a,b"', ["1"]).name, "a,b");
});

test("other params are texts in their order, as numbers in them have it", () => {
  const precision = param("precision", "bf16", "fp8", "fp16", null, "fp8");
  assert.equal(precision.kind, "category");
  assert.deepEqual(precision.texts, ["bf16", "fp8", "fp16"]);
  assert.deepEqual(precision.values, [0, 1, 2, NaN, 1]);
  assert.equal(param("none", "None", "None").kind, "category");
  const paths = param("path", ...Array.from({ length: 13 }, (_, place) => `/run/${place}`));
  assert.equal(paths.kind, "text");
  assert.ok(isNaming(paths));
  assert.equal(isNaming(precision), true);
  assert.equal(isNaming(param("opt", "adam", "sgd", "adam", "sgd", "adam", "lion", "lion")), false);
  assert.deepEqual(columnFor(precision, [1, 4]).texts, ["fp8"]);
});

test("equal values share their rank", () => {
  assert.deepEqual(ranks([10, 20, 20, 5, 20]), [2, 4, 4, 1, 4]);
  assert.deepEqual(ranks([]), []);
});

test("Spearman's rank correlation, with ties as well", () => {
  close(spearman([1, 2, 3, 4], [10, 100, 1_000, 5_000]), 1);
  close(spearman([1, 2, 3, 4], [4, 3, 2, 1]), -1);
  // Without ties 1 − 6 Σd² / (n (n² − 1)): d = 0, 1, 1, 0, 0 of five.
  close(spearman([1, 2, 3, 4, 5], [1, 3, 2, 4, 5]), 1 - (6 * 2) / (5 * 24));
  // Ranks 1.5, 1.5, 3, 4 and 1, 2, 3, 4: Σ(x y) = 4.5, Σx² = 4.5, Σy² = 5 around their means.
  close(spearman([7, 7, 8, 9], [1, 2, 3, 4]), 4.5 / Math.sqrt(4.5 * 5));
  assert.equal(spearman([1, 1, 1], [1, 2, 3]), null);
});

test("the correlation ratio of ranks: what groups explain", () => {
  close(correlationRatio([0, 0, 1, 1], [1, 2, 30, 40]), Math.sqrt(4 / 5));
  close(correlationRatio([0, 1, 0, 1], [1, 1, 2, 2]), 0);
  // With two groups it is the size of the rank correlation.
  const [groups, values] = [[0, 1, 0, 0, 1, 1], [3, 9, 2, 2, 8, 2.5]];
  close(correlationRatio(groups, values), Math.abs(spearman(groups, values)));
  assert.equal(correlationRatio([0, 0, 0], [1, 2, 3]), null);
  assert.equal(correlationRatio([0, 1], [1, 1]), null);
});

test("a relation counts the runs that have both, and says why there is none", () => {
  const metric = loss(1, 2, 3, 4, "NaN", null);
  assert.deepEqual(relationOf(param("lr", "1", "2", "3", null, "9", "9"), metric), { value: 1, sign: "ρ", n: 3 });
  const why = (column, target = metric) => [relationOf(column, target).why, relationOf(column, target).n];
  assert.deepEqual(why(param("lr", "1", "2", null, null, "9", "9")), ["fewer than 3 runs have both", 2]);
  assert.deepEqual(why(param("lr", "1", "1", "1", null, "2", "2")), ["one value", 3]);
  assert.deepEqual(why(param("lr", "1", "2", "3"), loss(5, 5, 5)), ["loss is the same everywhere", 3]);
  assert.deepEqual(why(param("path", "a", "b", "c", "d", "e", "f")), ["too many different texts", 4]);
  assert.equal(relationText(relationOf(param("opt", "a", "a", "b", "b", "a", "b"), metric)), "η 0.89");
  assert.equal(relationText({ value: -0.5, sign: "ρ", n: 9 }), "ρ −0.5");
  assert.equal(relationText({ value: -0.001, sign: "ρ", n: 9 }), "ρ 0");
});

test("axes come by their strength; what is the same everywhere is none, what names runs is the last", () => {
  const metric = loss(1, 2, 3, 4, 5, 6);
  const columns = [
    param("path", "a", "b", "c", "d", "e", "f"),
    param("half", "1", "1", "1", "2", "2", "2"),
    param("same", "1", "1", "1", "1", "1", "1"),
    param("up", "1", "2", "3", "4", "5", "6"),
    param("up_as_well", "10", "20", "30", "40", "50", "60"),
    param("once", "1", null, "1", "1", "1", "1"),
    param("down", "6", "5", "4", "3", "1", "2"),
    metric,
  ];
  const ranked = rankedColumns(columns, metric);
  assert.deepEqual(ranked.map(({ column }) => column.name), ["up", "down", "half", "once", "path"]);
  assert.deepEqual(ranked.map(({ relation }) => relationText(relation)), ["ρ 1", "ρ −0.94", "ρ 0.88", "one value", "too many different texts"]);
  assert.deepEqual(ranked[0].twins, ["up_as_well"]);
  assert.deepEqual(tellingAxes(ranked).map(({ column }) => column.name), ["up", "down", "half"]);
  assert.deepEqual(tellingAxes(ranked.slice(3, 4)).length, 1);
});

test("attributes come after params, and what only names runs is no axis by itself", () => {
  const metric = loss(1, 2, 3, 4, 5, 6);
  const id = param("fork_run_id", "a", "a", "b", "b", null, "b");
  const columns = [columnOf("attributes.status", ["A", "A", "A", "B", "B", "B"]), id, param("weak", "1", "2", "1", "2", "1", "1"), metric];
  const ranked = rankedColumns(columns, metric);
  assert.deepEqual(ranked.at(-1).column.name, "status");
  assert.deepEqual(tellingAxes(ranked).map(({ column }) => column.name), ["weak", "status"]);
  for (const [column, expected] of [
    [id, true],
    [param("origin", "0123456789abcdef0123", null), true],
    [param("path", ...Array.from({ length: 6 }, (_, place) => `/run/${place}`)), true],
    [param("optimizer", "adam", "sgd", "lion"), false],
    [param("grid", "a", "b"), false],
    [param("job_id", "1", "2"), false],
  ]) assert.equal(isIdentity(column), expected, column.name);
});

test("columns that would be called the same have longer names, also of some of the runs", () => {
  const names = (...ids) => distinctColumns(ids.map((id) => columnOf(id, ["1", "2"]))).map(({ name }) => name);
  assert.deepEqual(names("params.config.lr", "params.lr", "params.config.depth"), ["config.lr", "lr", "depth"]);
  assert.deepEqual(names("params.lr", "metrics.lr"), ["params.lr", "metrics.lr"]);
  const [first] = distinctColumns([columnOf("params.config.lr", ["1", "2"]), columnOf("params.lr", ["1", "2"])]);
  assert.equal(columnFor(first, [1]).name, "config.lr");
});

test("an axis is wide from two decades of positive values on", () => {
  for (const [cells, expected] of [
    [["1", "100"], true],
    [["1", "99"], false],
    [["0", "1", "100"], false],
    [["-1", "100"], false],
    [["1e-5", "nan", "0.1"], true],
    [["a", "b"], false],
    [["nan"], false],
  ]) assert.equal(isWide(param("x", ...cells)), expected, cells.join());
});

test("quartiles lie between values, whiskers end within 1.5 times the box", () => {
  assert.deepEqual([0.25, 0.5, 0.75].map((part) => quantile([1, 2, 3, 4], part)), [1.75, 2.5, 3.25]);
  assert.equal(quantile([7], 0.25), 7);
  // The box is 2 to 4, so it reaches from −1 to 7.
  assert.deepEqual(boxOf([3, 1, 2, 5, 4, 2, 4, 9, 2]), { n: 9, least: 1, low: 2, median: 3, high: 4, greatest: 9, whiskers: [1, 5] });
  assert.deepEqual(boxOf([5, 5, 5, 5, 5]).whiskers, [5, 5]);
});

test("groups are values of a param; runs without one are a group too", () => {
  const by = param("width", "512", "1024", "512", null, "512", "None");
  const groups = groupsOf(by, loss(1, 2, "NaN", 4, 5, 6));
  assert.deepEqual(groups, [
    { name: "512", runs: [0, 4] },
    { name: "1024", runs: [1] },
    { name: "not a number", runs: [5] },
    { name: "not set", runs: [3] },
  ]);
  assert.equal(groupRefusal(by), null);
  assert.match(groupRefusal(param("seed", ...Array.from({ length: 13 }, (_, place) => String(place)))), /^seed has 13 different values\. .* at most 12\.$/);
  assert.equal(groupRefusal(param("absent", null, null)), "No run has absent.");
});

test("a place on an axis and back; what is not above 0 has none on a logarithmic one", () => {
  const lr = param("lr", "0.0001", "0.01", "0", "-1", "1");
  const log = scaleOf(lr, true, 5);
  close(log.at(0.01), 0.5);
  close(log.back(0.5), 0.01);
  assert.ok(Number.isNaN(log.at(0)));
  assert.equal(log.notPositive, 2);
  const linear = scaleOf(lr, false, 5);
  close(linear.at(0), 0.5);
  assert.equal(linear.notPositive, 0);
  assert.equal(scaleOf(param("same", "3", "3"), false, 5).at(3), 0.5);
  assert.equal(scaleOf(param("negative", "-1", "-2"), true, 5).log, false);
  const texts = scaleOf(param("opt", "adam", "sgd"), false, 5);
  assert.deepEqual(texts.ticks, [{ at: 0.25, text: "adam" }, { at: 0.75, text: "sgd" }]);
  close(texts.back(0.75), 1);
});

test("ranges survive the way into an address, and choose runs together", () => {
  const columns = new Map([param("lr", "1", "2", "3", null, "2"), param("opt", "adam", "sgd", "adam", "adam", "adam")].map((column) => [column.id, column]));
  let brushes = withBrush(new Map(), "params.lr", { from: 1.5, to: Infinity });
  assert.equal(writeBrushes(brushes), '[["params.lr",1.5,null]]');
  assert.deepEqual(readBrushes(writeBrushes(brushes)), brushes);
  assert.deepEqual(runsIn(columns, brushes, 5), [1, 2, 4]);
  brushes = withBrush(brushes, "params.opt", { texts: ["adam"] });
  assert.deepEqual(readBrushes(writeBrushes(brushes)), brushes);
  assert.deepEqual(runsIn(columns, brushes, 5), [2, 4]);
  assert.deepEqual(runsIn(columns, withBrush(brushes, "params.lr", null), 5), [0, 2, 3, 4]);
  assert.equal(writeBrushes(new Map()), undefined);
  for (const text of ["", "{", "5", "[5]", '[["params.lr"]]', '[["params.lr",2,1]]', '[["a",{}]]', "[[1,2,3]]"]) assert.equal(readBrushes(text).size, 0, text);
});

test("a range that is drawn is rounded; among texts it is those inside", () => {
  assert.deepEqual(brushBetween(param("lr", "1", "2"), 1.98765, 1.23456), { from: 1.235, to: 1.988 });
  assert.deepEqual(brushBetween(param("opt", "adam", "lion", "sgd"), -0.5, 1.2), { texts: ["adam", "lion"] });
  assert.equal(brushBetween(param("opt", "adam", "lion"), 0.1, 0.9), null);
});

test("ranges become clauses of a filter; params are texts there", () => {
  const column = (id, ...cells) => [id, columnOf(id, cells)];
  const columns = new Map([
    column("metrics.loss", 0.1, 0.5, 0.9, 0.9),
    column("params.lr", "1e-4", "0.001", "1e-2", null),
    column("params.hostile", "it's \"both\"", "b", "c", "d"),
    column("attributes.user_id", "ada", "grace", "ada", "ada"),
    column("params.many", ...Array.from({ length: 30 }, (_, place) => String(place))),
  ]);
  const clauses = (brushes, runs = ["a", "b"]) => clausesOf(columns, new Map(brushes), runs);
  assert.deepEqual(clauses([["metrics.loss", { from: 0.2, to: 0.9 }]]), ["metrics.loss >= 0.2", "metrics.loss <= 0.9"]);
  assert.deepEqual(clauses([["metrics.loss", { from: -Infinity, to: 0.5 }]]), ["metrics.loss <= 0.5"]);
  assert.deepEqual(clauses([["params.lr", { from: 0, to: 2e-4 }]]), ["params.lr = '1e-4'"]);
  assert.deepEqual(clauses([["params.lr", { from: 0, to: 2e-3 }]]), ["params.lr != '1e-2'"]);
  assert.deepEqual(clauses([["params.lr", { from: 0, to: 1 }]]), ["params.lr IS NOT NULL"]);
  assert.deepEqual(clauses([["attributes.user_id", { texts: ["ada"] }]]), ["attributes.user_id = 'ada'"]);
  assert.deepEqual(clauses([["params.hostile", { texts: ["it's \"both\""] }]]), ["attributes.run_id IN ('a', 'b')"]);
  assert.deepEqual(clauses([["params.many", { from: 0, to: 3 }]]), ["attributes.run_id IN ('a', 'b')"]);
  assert.equal(clauses([["params.many", { from: 0, to: 3 }]], Array.from({ length: 51 }, String)), null);
});

test("lines go through what runs have; below the axes through what they have not", () => {
  const columns = [param("lr", "1", "3", null), param("width", "10", "20", "None")];
  const axes = axesOf(columns, new Set(), 400);
  const layout = layoutOf(axes, 400);
  assert.deepEqual(axes.map(({ x }) => x), [100, 300]);
  const lines = linesOf(axes, layout, 3);
  assert.deepEqual(lines.map(({ heights }) => heights), [[layout.bottom, layout.bottom], [layout.top, layout.top], [layout.missing, layout.odd]]);
  assert.ok(layout.bottom < layout.odd && layout.odd < layout.missing && layout.missing < layout.height);
  assert.equal(nearestLine(axes, lines, [0, 1, 2], 200, layout.top + 5), 1);
  assert.equal(nearestLine(axes, lines, [0, 2], 200, layout.top + 5), null);
});

const grid = Array.from({ length: 9 }, (_, place) => ({ x: (place % 3) / 2, y: Math.floor(place / 3) / 2, z: place % 3, run: place }));

test("a contour needs eight different places that are not on a line, and more than one height", () => {
  assert.equal(refusalOf(sitesOf(grid), "loss"), null);
  assert.equal(refusalOf(sitesOf(grid.slice(0, 7)), "loss"), "A contour needs at least 8 different points; there are 7.");
  assert.match(refusalOf(sitesOf(grid.map((point) => ({ ...point, y: 0.5 }))), "loss"), /there are 3\.$/);
  const line = Array.from({ length: 9 }, (_, place) => ({ x: place / 8, y: 1 - place / 8, z: place, run: place }));
  assert.equal(refusalOf(sitesOf(line), "loss"), "All points are on one line, so there is no surface between them.");
  assert.equal(refusalOf(sitesOf(grid.map((point) => ({ ...point, z: 1 }))), "loss"), "loss is the same at all points.");
  assert.ok(isStraight([{ x: 0, y: 0 }, { x: 0, y: 1 }]));
  assert.ok(!isStraight([...line, { x: 0.5, y: 0.6 }]));
});

test("runs at the same place have the mean of their heights", () => {
  assert.deepEqual(sitesOf([{ x: 0, y: 0, z: 1, run: 4 }, { x: 0, y: 0, z: 4, run: 7 }]), [{ x: 0, y: 0, z: 2.5, runs: [4, 7] }]);
});

const area = (corners) => Math.abs(corners.reduce((sum, [x, y], place) => sum + x * corners[(place + 1) % corners.length][1] - y * corners[(place + 1) % corners.length][0], 0)) / 2;

test("a surface is straight between neighbours and ends where they end", () => {
  const triangles = trianglesOf(sitesOf(grid));
  const sum = (parts) => parts.reduce((total, corners) => total + (corners.length > 2 ? area(corners) : 0), 0);
  close(sum(triangles), 1, "all");
  // z is 2x: it is at least 0.5 for x from 0.25 on.
  close(sum(triangles.map((triangle) => partAbove(triangle, 0.5))), 0.75, "above");
  for (const line of triangles.map((triangle) => lineAt(triangle, 0.5)).filter((line) => line !== null)) for (const [x] of line) close(x, 0.25);
  assert.ok(triangles.every((triangle) => lineAt(triangle, 5) === null && partAbove(triangle, 5).length === 0));
});

test("a file of a drawing has its texts as texts", () => {
  const svg = toSvg({ width: 10, height: 20, shapes: [{ kind: "text", x: 1.006, y: 2, text: '<img src=x onerror="a">&\0\ud800', fill: "#000" }, { kind: "dot", x: 1, y: 1, r: 2, fill: '"><script>' }] }, "#fff", '"A"');
  assert.ok(svg.includes("&lt;img src=x onerror=&quot;a&quot;&gt;&amp;  </text>"), svg);
  assert.ok(!svg.includes("<script>") && !svg.includes("<img"), svg);
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="10" height="20"/);
  assert.equal(elementOf({ kind: "text", x: 1.006, y: 2, text: "a", fill: "#000" }).attributes.x, 1.01);
  assert.equal(short("a".repeat(10_000)).length, 16);
  assert.equal(short("two\nlines"), "two lines");
});
