// How params and metrics go together, in a real browser against the real server: a set of runs whose ranks, correlations, boxes and
// surfaces are computed by hand, and what is done with them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { FORMULA, IMG, ODD, WORD, openUnguarded } from "./hostile.mjs";
import { START_MS, call, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, settled, startBrowser, startPortal, startServer } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let truth;
let flat;
/** Ids of the runs of the truth set, by name. */
const runs = {};

/** Loss 0.1 to 1.2 in steps of 0.1, so the rank of run i is i + 1. */
const RUNS = 12;
const DOWN = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 1, 2];
const PARTIAL = [3, 1, 2, 4];

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  truth = await makeExperiment(address, "truth of relations");
  const add = async (number, params, metrics) => {
    const name = `run ${String(number).padStart(2, "0")}`;
    const all = { up: number + 1, line: 2 * (number + 1), path: `/scratch/${number}/out`, same: "x", ...params };
    runs[name] = await makeRun(address, truth, { name, start: START_MS + number * 60_000, params: all, metrics });
  };
  for (let number = 0; number < RUNS; number += 1) {
    const params = {
      down: DOWN[number],
      optimizer: number < 6 ? "adam" : "sgd",
      warmup: number === 0 ? "None" : number === 11 ? 200 : 100,
      lr: number === 0 ? "0" : number % 2 === 1 ? "1e-3" : "0.1",
      gx: number % 4,
      gy: Math.floor(number / 4),
      ...(PARTIAL[number] && { partial: PARTIAL[number] }),
    };
    await add(number, params, { val_loss: [9, (number + 1) / 10], ...(number < 3 && { rare: [number] }) });
  }
  await add(12, { optimizer: "adam" }, {});
  await add(13, { optimizer: "adam" }, { val_loss: ["NaN"] });

  flat = await makeExperiment(address, "flat");
  for (const number of [1, 2, 3]) await makeRun(address, flat, { name: `flat ${number}`, params: { lr: number }, metrics: { val_loss: [1] } });
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** The relations of a table of runs. */
async function relations(state = "", { experiment = truth, ...options } = {}) {
  const opened = await openPage(browser, { viewport: { width: 1280, height: 900 }, ...options });
  await opened.page.goto(`${address}/#/experiments/${experiment}/runs?show=relations${state}`);
  await opened.page.locator(".relation, .related .empty").first().waitFor();
  await settled(opened.page);
  return opened;
}

/** The rows of a table of the plot that is shown, as they are read. */
async function rowsOf(page, title) {
  await doWith(page, "As table");
  const table = page.getByRole("table", { name: title });
  const rows = await table.locator("tr").evaluateAll((lines) => lines.map((line) => [...line.cells].map((cell) => cell.textContent)));
  await page.getByRole("button", { name: "Close" }).click();
  return rows;
}

async function doWith(page, item) {
  await page.locator(".relation").getByRole("button", { name: /^What can be done with/ }).click();
  await page.getByRole("button", { name: item }).click();
}

const state = (page, name) => new URLSearchParams(page.url().split("?").slice(1).join("?")).get(name);
const heads = (page) => page.locator(".axis-name").allTextContents();
const head = (page, name) => page.getByRole("button", { name, exact: true });
const chosen = (page) => page.locator(".relation-chosen p");
/** What the drawing says to those who do not see it. */
const summary = (page) => page.locator(".relation [role=img]").getAttribute("aria-label");
const notes = (page) => page.locator(".relation-notes li").allInnerTexts();

/** Draws from one part of an axis to another, from the top; a click where both are the same. */
async function draw(page, axis, from, to) {
  const box = await page.locator(`.parallel-handle[data-axis="${axis}"]`).boundingBox();
  const x = box.x + box.width / 2;
  await page.mouse.move(x, box.y + from * box.height);
  await page.mouse.down();
  if (from !== to) await page.mouse.move(x, box.y + to * box.height, { steps: 4 });
  await page.mouse.up();
}

const AXES = [
  ["Axis", "Correlation with val_loss", "Runs with both", "Values", "Not set", "Not a number"],
  ["up", "ρ 1", "12", "1 to 14", "0", "0"],
  ["down", "ρ −0.99", "12", "1 to 12", "2", "0"],
  ["gy", "ρ 0.95", "12", "0 to 2", "2", "0"],
  ["optimizer", "η 0.87", "12", "2 texts", "0", "0"],
  ["warmup", "ρ 0.5", "11", "100 to 200", "2", "1"],
  ["partial", "ρ 0.4", "4", "1 to 4", "10", "0"],
  ["gx", "ρ 0.32", "12", "0 to 3", "2", "0"],
  ["lr", "ρ 0.26", "12", "0 to 0.1", "2", "0"],
];

test("axes come by their correlation with the metric, which is told with its sign and its runs", async () => {
  const { page, context, mistakes } = await relations();
  assert.deepEqual(await rowsOf(page, "Axes"), AXES);
  assert.deepEqual(await heads(page), [...AXES.slice(1).map(([name]) => name), "val_loss"]);
  assert.equal(await summary(page), "val_loss of 14 runs over 8 axes, strongest: up ρ 1, down ρ −0.99, gy ρ 0.95");
  assert.deepEqual(await page.locator(".parallel-heads small").first().innerText(), "ρ 1 · n 12");
  assert.deepEqual(await notes(page), [
    "Not set: down 2, gy 2, warmup 2, partial 10, gx 2, lr 2, val_loss 1.",
    "No finite number: warmup 1, val_loss 1.",
    "They go together: up and line.",
    "ρ: how far both rise and fall together, −1 to 1; η: how much texts tell of the metric, 0 to 1.",
  ]);
  const table = await rowsOf(page, "Runs in the ranges");
  assert.equal(table.length, 15);
  assert.deepEqual(table.find(([name]) => name === "run 00"), ["run 00", runs["run 00"], "1", "12", "0", "adam", "None", "3", "0", "0", "0.1"]);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("a comparison has the same for its runs, where it is scrolled to", async () => {
  const { page, context, mistakes } = await openPage(browser, { viewport: { width: 1280, height: 900 } });
  const ids = Object.values(runs).slice(0, 12);
  await page.goto(`${address}/#/compare?runs=${ids.join()}`);
  await page.getByRole("heading", { name: "Relations" }).scrollIntoViewIfNeeded();
  await page.locator(".parallel").waitFor();
  const expected = AXES.map(([name, correlation, n]) => [name, correlation, n]);
  assert.deepEqual((await rowsOf(page, "Axes")).map((row) => row.slice(0, 3)), expected);
  await page.getByRole("button", { name: "Hide: run 11" }).click();
  await page.getByRole("img", { name: /^val_loss of 11 runs/ }).waitFor();
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("another metric ranks anew; few runs and lacking ones are told", async () => {
  const { page, context } = await relations();
  await page.getByRole("combobox", { name: "Metric" }).focus();
  await page.getByRole("combobox", { name: "Metric" }).selectOption("rare");
  await page.getByRole("img", { name: /^rare of/ }).waitFor();
  assert.equal(state(page, "rm"), "rare");
  assert.equal(await page.evaluate(() => document.activeElement.value), "rare", "the focus stays");
  const found = await notes(page);
  assert.equal(found[0], "With 3 runs a strong correlation may be chance.");
  assert.match(found[1], /^Not set: .*rare 11\.$/);
  assert.deepEqual((await rowsOf(page, "Axes")).find(([name]) => name === "warmup").slice(1, 3), ["fewer than 3 runs have both", "2"]);
  await context.close();
});

test("a range drawn along axes chooses runs, stays in the address, and a click takes it away", async () => {
  const { page, context, mistakes } = await relations();
  await draw(page, "up", 0, 0.4);
  await chosen(page).waitFor();
  const [[id, from, to]] = JSON.parse(state(page, "brush"));
  assert.equal(id, "params.up");
  assert.ok(from > 6 && from < 10 && to === 14, `${from} to ${to}`);
  const inside = 14 - Math.ceil(from) + 1;
  assert.equal(await chosen(page).innerText(), `${inside} of 14 runs in the ranges`);
  // Of two texts the upper one is sgd; both ranges count.
  await draw(page, "optimizer", 0.02, 0.45);
  await page.getByText(`${inside - 2} of 14 runs`).waitFor();
  assert.deepEqual(JSON.parse(state(page, "brush"))[1], ["params.optimizer", "sgd"]);
  assert.equal((await rowsOf(page, "Runs in the ranges")).length, 1 + inside - 2);
  await page.reload();
  await page.getByText(`${inside - 2} of 14 runs`).waitFor();
  await draw(page, "up", 0.2, 0.2);
  await page.getByText("6 of 14 runs in the ranges").waitFor();
  await page.goBack();
  await page.getByText(`${inside - 2} of 14 runs`).waitFor();
  await page.getByRole("button", { name: "Clear the ranges" }).click();
  await page.getByText("Draw along an axis").waitFor();
  assert.equal(state(page, "brush"), null);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("the same with the keyboard: numbers as fields, texts as boxes", async () => {
  const { page, context } = await relations();
  await head(page, "down").press("Enter");
  await page.getByLabel("From").fill("2");
  await page.getByLabel("To").fill("4");
  await page.getByLabel("To").press("Enter");
  await chosen(page).waitFor();
  assert.equal(await chosen(page).innerText(), "3 of 14 runs in the ranges; 2 not set on an axis with a range");
  assert.equal(state(page, "brush"), '[["params.down",2,4]]');
  await head(page, "optimizer").press("Enter");
  await page.getByRole("checkbox", { name: "adam" }).press("Space");
  await page.getByText("0 of 14 runs").waitFor();
  await page.getByRole("checkbox", { name: "adam" }).press("Space");
  await page.getByText("3 of 14 runs").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "optimizer");
  await head(page, "down").press("Enter");
  await page.getByRole("button", { name: "Clear the range", exact: true }).press("Enter");
  await page.getByText("Draw along an axis").waitFor();
  await context.close();
});

test("runs in the ranges become a filter, a comparison, or go into the basket", async () => {
  const brush = encodeURIComponent('[["metrics.val_loss",0.25,0.65],["params.optimizer","adam"],["params.lr",0.05,1]]');
  const { page, context, mistakes } = await relations(`&brush=${brush}`);
  assert.equal(await chosen(page).innerText(), "2 of 14 runs in the ranges; 2 not set on an axis with a range");
  await page.getByRole("button", { name: "Add to the basket" }).click();
  await page.getByText("2 runs put into the basket").waitFor();
  await page.getByRole("button", { name: "Compare these" }).click();
  await page.getByRole("heading", { name: "Compare 2 runs" }).waitFor();
  assert.deepEqual(new Set(state(page, "runs").split(",")), new Set([runs["run 02"], runs["run 04"]]));
  await page.goBack();
  await page.getByRole("button", { name: "Filter by these ranges" }).click();
  await page.getByText("2 runs match").waitFor();
  assert.equal(state(page, "q"), "metrics.val_loss >= 0.25 AND metrics.val_loss <= 0.65 AND params.optimizer = 'adam' AND params.lr = '0.1'");
  await page.getByRole("img", { name: /^val_loss of 2 runs/ }).waitFor();
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("axes are moved by keys and by dragging, removed, added, and made logarithmic", async () => {
  const { page, context, mistakes } = await relations("&axes=params.up,params.lr,params.optimizer");
  assert.deepEqual(await heads(page), ["up", "lr", "optimizer", "val_loss"]);
  await head(page, "up").click();
  await page.getByRole("button", { name: "Move right" }).click();
  await page.waitForURL(/axes=params\.lr,params\.up,params\.optimizer/);
  assert.deepEqual(await heads(page), ["lr", "up", "optimizer", "val_loss"]);
  const items = page.locator(".parallel-heads li");
  await items.nth(2).locator("small").dragTo(items.nth(0).locator("small"));
  await page.waitForURL(/axes=params\.optimizer,params\.lr,params\.up/);
  await head(page, "lr").click();
  await page.getByRole("button", { name: "Logarithmic" }).click();
  await page.getByText("Not above 0, so below a logarithmic axis: lr 1.").waitFor();
  assert.equal(state(page, "rlog"), "params.lr");
  await head(page, "up").click();
  await page.getByRole("button", { name: "Remove the axis" }).click();
  await page.waitForURL(/axes=params\.optimizer,params\.lr(&|$)/);
  await page.getByRole("button", { name: "Axes" }).click();
  await page.getByLabel("Find an axis").fill("metrics rare");
  await page.getByRole("checkbox", { name: "metrics.rare" }).check();
  await page.waitForURL(/axes=params\.optimizer,params\.lr,metrics\.rare/);
  await page.getByLabel("Find an axis").fill("");
  await page.getByRole("button", { name: "Those that go with val_loss most" }).click();
  await page.waitForURL((url) => !url.hash.includes("axes="));
  assert.equal((await heads(page)).length, 9);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("pointing at a line says which run it is", async () => {
  const { page, context } = await relations("&axes=params.up");
  const lines = page.locator(".parallel-lines");
  const { width } = await lines.boundingBox();
  // The line of the highest loss is the 12th of 14 on the axis of `up`, and at the top of that of the loss.
  await lines.hover({ position: { x: (width * 3) / 4 - 20, y: 14 } });
  await page.locator(".relation-readout a").waitFor();
  assert.equal(await page.locator(".relation-readout").innerText(), "run 11 · up 12 · val_loss 1.2");
  await context.close();
});

test("plots begin with what goes with the metric most: a scatter and a contour with two params, boxes with one of few values", async () => {
  const { page, context, mistakes } = await relations("&rel=scatter");
  assert.match(await summary(page), /^12 runs, up 1 to 12, down 1 to 12, colour val_loss 0\.1 to 1\.2/);
  await page.getByRole("combobox", { name: "Colour" }).selectOption("none");
  await page.getByRole("img", { name: /down 1 to 12, rank/ }).waitFor();
  await page.getByRole("button", { name: "Contour" }).click();
  await page.getByText(/^val_loss over up and down$|The runs are shown as points\.$/).first().waitFor();
  await page.getByRole("button", { name: "Box", exact: true }).click();
  await page.getByRole("img", { name: /^val_loss by down, 12 groups/ }).waitFor();
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("an axis whose values span two decades is logarithmic by itself, which the address can take back; ids are no axes", async () => {
  const wide = await makeExperiment(address, "wide");
  const add = (rate, id, metric) => makeRun(address, wide, { name: `rate ${rate}`, params: { rate, run_id: id, "config.depth": metric, depth: 2 * metric }, metrics: { val_loss: [metric] } });
  await add(1e-5, "a", 1);
  await add(1e-3, "b", 2);
  await add(3e-4, "a", 3);
  const { page, context, mistakes } = await relations("", { experiment: wide });
  assert.deepEqual((await heads(page)).sort(), ["depth", "rate", "val_loss"]);
  assert.ok((await notes(page)).includes("They go together: depth and config.depth."));
  const log = page.getByRole("button", { name: "Logarithmic" });
  await head(page, "rate").click();
  assert.equal(await log.getAttribute("aria-pressed"), "true");
  await log.click();
  await page.waitForURL((url) => decodeURIComponent(url.hash).includes("rlog=!params.rate"));
  await head(page, "rate").click();
  assert.equal(await log.getAttribute("aria-pressed"), "false");
  await log.click();
  await page.waitForURL((url) => !url.hash.includes("rlog"));
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("what stands above the axes has its own room on any window", async () => {
  for (const width of [1280, 820, 390]) {
    const { page, context } = await relations("", { viewport: { width, height: 844 } });
    const boxes = await page.locator(".axis-name, .parallel-heads small").evaluateAll((all) => all.map((one) => {
      const { left, right } = one.getBoundingClientRect();
      return [one.localName, left, right];
    }));
    for (const kind of ["span", "small"]) {
      const row = boxes.filter(([name]) => name === kind);
      for (const [place, [, left]] of row.entries()) assert.ok(place === 0 || left >= row[place - 1][2] - 1, `${kind} ${place} at ${width}`);
    }
    await context.close();
  }
});

test("a scatter tells its points, and the runs that have none", async () => {
  const { page, context, mistakes } = await relations("&rel=scatter&ry=metrics.val_loss");
  assert.equal(await summary(page), "12 runs, up 1 to 12, val_loss 0.1 to 1.2, rank correlation ρ 1, n 12");
  assert.match((await notes(page))[0], /^2 runs without a finite up or val_loss: run 1[23], run 1[23]\.$/);
  const points = await rowsOf(page, "Points");
  assert.deepEqual(points.slice(0, 3), [["Run", "Id", "up", "val_loss"], ["run 00", runs["run 00"], "1", "0.1"], ["run 01", runs["run 01"], "2", "0.2"]]);

  await page.getByRole("combobox", { name: "x", exact: true }).selectOption("lr");
  await page.getByLabel("Log lr").check();
  await page.getByText("1 run not above 0 on a logarithmic axis: run 00.").waitFor();
  assert.match(await summary(page), /^11 runs, lr 0.001 to 0.1, .* ρ 0.26, n 12$/);
  await page.getByRole("combobox", { name: "Colour" }).selectOption("gy");
  await page.getByRole("img", { name: /colour gy 0 to 2/ }).waitFor();
  assert.deepEqual([state(page, "rx"), state(page, "rc"), state(page, "rlog")], ["params.lr", "params.gy", "params.lr"]);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("a point is read by pointer and by keys, with the params that differ, and opens its run", async () => {
  const { page, context } = await relations("&rel=scatter&ry=metrics.val_loss");
  const plot = page.locator(".point-plot");
  await plot.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const readout = page.locator(".relation-readout");
  await readout.getByText("run 01").waitFor();
  assert.match(await readout.innerText(), /^run 01 · up 2 · val_loss 0\.2 · down 11 · gy 0 · optimizer adam/);
  assert.equal(await readout.getAttribute("aria-live"), "polite");
  await page.keyboard.press("End");
  await readout.getByText("run 11").waitFor();
  const first = page.locator(".relation-svg circle").first();
  await first.hover({ force: true });
  await readout.getByText("run 00").waitFor();
  await first.click({ force: true });
  await page.waitForURL(new RegExp(`runs/${runs["run 00"]}$`));
  await page.goBack();
  await plot.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`runs/${runs["run 11"]}$`));
  await context.close();
});

test("boxes tell quartiles; few values are only points, and too many groups are refused", async () => {
  const { page, context, mistakes } = await relations("&rel=box&rg=params.optimizer");
  assert.equal(await summary(page), "val_loss by optimizer, 2 groups; adam: n 6, median 0.35; sgd: n 6, median 0.95");
  assert.deepEqual((await rowsOf(page, "Boxes")).slice(1), [
    ["adam", "6", "0.1", "0.1", "0.225", "0.35", "0.475", "0.6", "0.6"],
    ["sgd", "6", "0.7", "0.7", "0.825", "0.95", "1.075", "1.2", "1.2"],
  ]);
  assert.match((await notes(page))[0], /^2 runs without a finite val_loss/);
  await page.getByRole("combobox", { name: "By" }).selectOption("partial");
  await page.getByText("Fewer than 5 values make no box, so only points: 1, 2, 3, 4.").waitFor();
  assert.deepEqual((await rowsOf(page, "Boxes")).slice(1), [
    ["1", "1", "0.2", "", "", "", "", "", "0.2"],
    ["2", "1", "0.3", "", "", "", "", "", "0.3"],
    ["3", "1", "0.1", "", "", "", "", "", "0.1"],
    ["4", "1", "0.4", "", "", "", "", "", "0.4"],
    ["not set", "8", "0.5", "0.5", "0.675", "0.85", "1.025", "1.2", "1.2"],
  ]);
  await page.getByRole("combobox", { name: "By" }).selectOption("path");
  await page.getByText("path has 14 different values. A box for each would say nothing: choose a param with at most 12.").waitFor();
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("a contour tells its lines; without a surface it says why and shows points", async () => {
  const { page, context, mistakes } = await relations("&rel=contour&rx=params.gx&ry=params.gy");
  assert.equal(await summary(page), "val_loss over gx and gy, 12 points, 0.1 to 1.2, lines at 0.2, 0.4, 0.6, 0.8, 1, lowest run 00");
  assert.equal((await rowsOf(page, "Points")).length, 13);
  // On the plane 0.1 + 0.1 gx + 0.4 gy the line of 0.4 begins where gy is 0 and gx is 3.
  const line = await page.locator(".relation-svg path[fill=none]").nth(1).getAttribute("d");
  const [left, right] = await page.locator(".relation-svg circle").evaluateAll((dots) => {
    const places = dots.map((dot) => Number(dot.getAttribute("cx")));
    return [Math.min(...places), Math.max(...places)];
  });
  const places = [...line.matchAll(/[ML]([\d.]+) [\d.]+/g)].map(([, x]) => Number(x));
  assert.ok(Math.abs(Math.max(...places) - right) < 0.1 && Math.abs(Math.min(...places) - left) < 0.1, line);

  await page.getByRole("combobox", { name: "x", exact: true }).selectOption("up");
  await page.getByRole("img", { name: /over up and gy/ }).waitFor();
  await page.goto(`${address}/#/experiments/${truth}/runs?show=relations&rel=contour&rx=params.up&ry=params.line`);
  await page.getByText("All points are on one line, so there is no surface between them. The runs are shown as points.").waitFor();
  assert.match(await summary(page), /^14 runs, up 1 to 14, line 2 to 28, colour val_loss 0.1 to 1.2/);
  await page.goto(`${address}/#/experiments/${truth}/runs?show=relations&rel=contour&rx=params.partial&ry=params.gx`);
  await page.getByText("A contour needs at least 8 different points; there are 4. The runs are shown as points.").waitFor();
  await page.goto(`${address}/#/experiments/${truth}/runs?show=relations&rel=contour&rx=params.gx&ry=params.gy&rc=params.gx`);
  await page.getByText("A contour needs three different columns.").waitFor();
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("what the data do not carry is said in words", async () => {
  const constant = await relations("", { experiment: flat });
  assert.deepEqual((await notes(constant.page)).slice(0, 2), [
    "val_loss is 1 in all runs that have it, so nothing correlates with it.",
    "With 3 runs a strong correlation may be chance.",
  ]);
  assert.equal(await constant.page.locator(".parallel-heads small").first().innerText(), "val_loss is the same everywhere");
  await constant.context.close();
  for (const [query, words] of [
    ["&q=params.up%20=%20'1'", "One run has no relations: it takes at least two."],
    ["&rel=scatter&rx=metrics.rare&ry=metrics.val_loss&q=params.up%20!=%20'1'%20AND%20params.optimizer%20=%20'sgd'", "No run has both rare and val_loss as finite numbers."],
    ["&rel=box&rm=absent", "No run has a finite value of absent."],
    ["&rm=absent", "None of these runs has a finite value of absent: nothing can be ranked by it."],
    ["&rel=nonsense&rx=nonsense&axes=,,&brush=%7B&rlog=%22", "Draw along an axis"],
  ]) {
    const { page, context, mistakes } = await relations(query);
    await page.getByText(words).first().waitFor();
    assert.deepEqual(mistakes, [], query);
    await context.close();
  }
  const empty = await makeExperiment(address, "no metrics");
  for (const name of ["a", "b"]) await makeRun(address, empty, { name, params: { name } });
  const { page, context } = await relations("", { experiment: empty });
  await page.getByText("These runs have no metrics.").waitFor();
  await context.close();
});

test("a run without a configuration does not hide what the others differ in", async () => {
  const many = await makeExperiment(address, "many params");
  const same = Object.fromEntries(Array.from({ length: 150 }, (_, place) => [`config.a.param_${String(place).padStart(3, "0")}`, "x"]));
  await makeRun(address, many, { name: "parent" });
  for (const number of [1, 2, 3]) await makeRun(address, many, { name: `child ${number}`, params: { ...same, "config.z.rate": number }, metrics: { val_loss: [number] } });
  const { page, context } = await relations("", { experiment: many });
  assert.deepEqual(await heads(page), ["z.rate", "val_loss"]);
  await page.getByRole("button", { name: "Axes" }).click();
  await page.getByLabel("Find an axis").fill("a.param_149");
  await page.locator("label.check").filter({ hasText: "params.config.a.param_149" }).locator("input").check();
  await page.locator(".parallel-heads").getByRole("button", { name: "a.param_149" }).waitFor();
  assert.deepEqual((await rowsOf(page, "Axes")).at(-1), ["a.param_149", "one value", "3", "1 text", "1", "0"]);
  await context.close();
});

test("what fails is said, and asked for again", async () => {
  const { page, context } = await openPage(browser);
  const broken = (route) => (/gx/.test(route.request().postData() ?? "") ? route.fulfill({ status: 500, contentType: "text/plain", body: "out of order" }) : route.continue());
  await page.route("**/rows", broken);
  await page.goto(`${address}/#/experiments/${truth}/runs?show=relations`);
  await page.getByRole("alert").getByText("out of order").waitFor();
  await page.unroute("**/rows", broken);
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByRole("img", { name: /strongest: up/ }).waitFor();
  await context.close();
});

test("plots are saved as pictures and as tables", async () => {
  const { page, context, mistakes } = await relations("&rel=scatter&ry=metrics.val_loss");
  const saved = async (item) => {
    const [download] = await Promise.all([page.waitForEvent("download"), doWith(page, item)]);
    return [download.suggestedFilename(), await readFile(await download.path())];
  };
  const [csvName, csv] = await saved("All values as CSV");
  assert.equal(csvName, "val_loss_over_up.csv");
  assert.equal(csv.toString().split("\r\n")[1], `run 00,${runs["run 00"]},1,0.1`);
  const [svgName, svg] = await saved("Vectors (SVG)");
  assert.equal(svgName, "val_loss_over_up.svg");
  assert.equal(svg.toString().match(/<circle /g).length, RUNS);
  const [pngName, png] = await saved("Picture (PNG)");
  assert.equal(pngName, "val_loss_over_up.png");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.equal(png.readUInt32BE(16), 2 * Number(/width="(\d+)"/.exec(svg)[1]));
  await page.getByRole("button", { name: "Parallel" }).click();
  await page.locator(".parallel").waitFor();
  const [, lines] = await saved("Vectors (SVG)");
  assert.equal(lines.toString().match(/opacity="0.9"/g).length, 14);
  assert.ok(lines.toString().includes("ρ −0.99 · n 12"));
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("new values appear by themselves", async () => {
  const live = await makeExperiment(address, "live relations");
  const ids = [];
  for (const number of [1, 2, 3]) ids.push(await makeRun(address, live, { name: `live ${number}`, params: { lr: number }, metrics: { val_loss: [number] }, status: "RUNNING" }));
  const { page, context } = await relations("", { experiment: live });
  assert.equal(await page.locator(".parallel-heads small").first().innerText(), "ρ 1 · n 3");
  // What comes before the first look is not told.
  await page.getByText("Live", { exact: true }).first().waitFor();
  await call(address, "runs/log-metric", { run_id: ids[2], key: "val_loss", value: 0, step: 9, timestamp: START_MS + 9_000 });
  await page.getByText("ρ −0.5 · n 3").waitFor();
  await context.close();
});

test("whatever names and values are, they are shown as texts", async (t) => {
  const hostile = await makeExperiment(address, `hostile ${IMG}`);
  for (const [place, text] of [IMG, ODD, WORD.slice(0, 6_000), FORMULA].entries()) {
    await makeRun(address, hostile, { name: `${text} ${place}`, params: { "a param: of/two": text, "b c": place, long: `${place}${WORD.slice(0, 5_000)}` }, metrics: { "val loss/b.c": [place] }, user: IMG });
  }
  for (const plot of ["parallel", "scatter", "box", "contour"]) {
    const { page, judge } = await openUnguarded(t, browser, `${address}/#/experiments/${hostile}/runs?show=relations&rel=${plot}&rg=params.%60a%20param:%20of/two%60`);
    await page.locator(".relation").waitFor();
    await settled(page);
    await judge(plot);
    await doWith(page, "As table");
    await page.getByRole("table").first().waitFor();
    await judge(`${plot} as table`);
  }
});

test("every plot can be used with a screen reader, in both themes and on a narrow window", async () => {
  const brush = encodeURIComponent('[["params.optimizer","adam"]]');
  for (const plot of [`parallel&brush=${brush}`, "scatter&rc=params.gy", "box", "contour&rx=params.gx&ry=params.gy"]) {
    for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 390]]) {
      const { page, context, mistakes } = await relations(`&rel=${plot}`, { colorScheme, viewport: { width, height: 900 } });
      assert.deepEqual(await accessibilityFindings(page), [], `${plot}, ${colorScheme}, ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${plot}, ${width}`);
      assert.deepEqual(mistakes, []);
      await context.close();
    }
  }
});

test("the menus of axes and the table of a plot have no finding either", async () => {
  const { page, context } = await relations();
  await head(page, "down").click();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Axes" }).click();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Escape");
  await doWith(page, "As table");
  assert.deepEqual(await accessibilityFindings(page), []);
  await context.close();
});

test("it works below a path that the server knows nothing of", async () => {
  const portal = `http://127.0.0.1:${await startPortal(shared, address, "/node/login1/5000")}/node/login1/5000`;
  const { page, context, mistakes } = await openPage(browser);
  await page.goto(`${portal}/#/experiments/${truth}/runs?show=relations&rel=contour&rx=params.gx&ry=params.gy`);
  await page.getByRole("img", { name: /lowest run 00/ }).waitFor();
  assert.deepEqual(mistakes, []);
  await context.close();
});
