import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, oddMarks } from "../src/charts/arrange.ts";
import { chartSvg, singlesSvg } from "../src/charts/card_svg.ts";
import { pictureOf } from "../src/charts/picture.ts";
import { scaleOf } from "../src/charts/range.ts";
import { strandsOf } from "../src/charts/strands.ts";
import { xmlText } from "../src/lib/xml_text.ts";
import { planeOf, plotSvg, px } from "../src/charts/vector.ts";
import { fileName } from "../src/lib/file_name.ts";

const NONE = new Set();
const COLOURS = { runs: ["red", "blue"], text: "black", soft: "grey", line: "silver", accent: "teal", bad: "crimson", shade: "gold" };

/** The picture of one run with these values, at steps from 0 on. */
function picture(values, more = {}, wish = { log: false, cut: false, limits: null }, range = null) {
  const x = values.map((_, step) => step);
  const segment = { first_step: 0, last_step: values.length - 1, at: null, mean: values, min: values, max: values, ...more };
  const series = [{ run_id: "a", metric: "loss", total: 99, points: 99, segments: [segment], ...more.series }];
  const curves = { x, raw: true, grid: null, series, overTime: false };
  const strands = strandsOf(curves, NONE, false);
  const drawing = arrange(x, strands, scaleOf(strands, wish), oddMarks(series, x.length));
  const scene = { settings: { x: "step", smoothing: 0, range, each: false }, hidden: NONE };
  return pictureOf({ card: { id: "loss", metrics: ["loss"] }, scene, curves, drawing, axis: "step", inkOf: () => ({ hue: 0, dash: [7, 4] }), lifted: null, pinned: null, utc: true });
}

const draw = (made) => plotSvg(made, planeOf(made, 400, 200), COLOURS);
const lines = (svg) => [...svg.matchAll(/<path d="([^"]*)" fill="none" stroke="red"/g)].map(([, path]) => path);

test("a place and its pixel lead to each other, on both kinds of axis", () => {
  for (const log of [false, true]) {
    const plane = planeOf(picture([1, 10, 100], {}, { log, cut: false, limits: null }), 400, 200);
    for (const value of [1, 10, 100]) assert.ok(Math.abs(plane.yAt(plane.y(value)) - value) < 1e-9 * value, `${value}, ${log}`);
    assert.ok(Math.abs(plane.xAt(plane.x(1.5)) - 1.5) < 1e-9);
    assert.equal(plane.x(0), plane.left);
    assert.equal(plane.x(2), plane.right);
  }
});

test("a line is a path, with a piece on each side of what is no number", () => {
  const made = picture([1, 2, null, 2, 3], { series: { nan: { count: 1, first_step: 2, at: [2] } } });
  const [path] = lines(draw(made));
  assert.match(path, /^M[\d.]+ [\d.]+L[\d.]+ [\d.]+M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
  assert.match(draw(made), /fill="crimson"/, "and a mark where it is none");
  assert.match(draw(made), /stroke-dasharray="7 4"/);
});

test("a part of x has its neighbours outside, and nothing beyond them", () => {
  const steps = Array.from({ length: 100 }, (_, step) => step);
  const [path] = lines(draw(picture(steps, {}, undefined, [40, 50])));
  assert.equal(path.match(/[\d.-]+ [\d.-]+/g).length, 13, "11 within, and one on each side");
});

test("a band goes along its upper edge and back along the lower one", () => {
  const svg = draw(picture([2, 3], { min: [1, 2], max: [3, 4] }));
  const [, band] = /<path d="([^"]*)" fill="red" fill-opacity="0.13"/.exec(svg);
  const heights = [...band.matchAll(/[\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
  assert.equal(heights.length, 4);
  assert.ok(band.endsWith("Z") && heights[1] < heights[0] && heights[2] > heights[1] && heights[3] > heights[2], band);
});

test("no number is too large, or none, for a file", () => {
  const svg = draw(picture([1e300, -1e300, 5], {}, { log: false, cut: true, limits: [0, 1e-9] }));
  assert.doesNotMatch(svg, /NaN|Infinity|e[+-]?\d/);
  assert.equal(px(1e300), "100000");
  assert.equal(px(-0.04), "0");
});

test("texts of a file of vectors cannot be anything else", () => {
  assert.equal(xmlText(`<script>"&'\u0000\u001b\ud800\uffff</script>`), "&lt;script&gt;&quot;&amp;&#39;    &lt;/script&gt;");
  const around = { title: "<b>", notes: "</svg>", xName: "<x>", names: [{ name: `"><img onerror=x>`, ink: { hue: 1, dash: [] } }], colours: COLOURS, background: "white", font: `"a", <b>` };
  for (const svg of [chartSvg(picture([1, 2]), 400, 200, around), singlesSvg([{ name: "<i>", ink: { hue: 0, dash: [] }, value: NaN, text: "NaN at <u>" }], 400, around)]) {
    assert.deepEqual([...new Set([...svg.matchAll(/<\/?(\w+)/g)].map(([, name]) => name))].filter((name) => !["svg", "g", "path", "rect", "text"].includes(name)), []);
    assert.doesNotMatch(svg, /NaN [\d.]|[( "]NaN[, ]/);
  }
});

test("what a file is called says what it is of, and is a name everywhere", () => {
  assert.equal(fileName(["val_loss/2t", "aifs/global"], "svg"), "val_loss_2t-aifs_global.svg");
  assert.equal(fileName(["größe 長さ"], "png"), "größe_長さ.png");
  assert.equal(fileName(["../../etc/passwd"], "png"), "etc_passwd.png");
  assert.equal(fileName(["\u202egnp.exe"], "png"), "gnp.exe.png");
  assert.equal(fileName(["///"], "html"), "windvane.html");
  assert.equal(fileName(["w".repeat(10_000)], "png").length, 64);
});
