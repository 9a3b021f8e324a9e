// A report: the file that a comparison is saved as, opened where there is neither a server nor a network.

import assert from "node:assert/strict";
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { FORMULA, IMG, SCRIPT, UNSEEN, WORD } from "./hostile.mjs";
import { seedFamily } from "./lineage_seed.mjs";
import { forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, freshData, openPage, startBrowser, startPortal, startServer } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
const HOSTILE = `${SCRIPT}<!--${IMG} ${UNSEEN}`;
const STEPS = 1_500;
const METRICS = 30;
let address;
let browser;
let folder;
const runs = {};
/** Runs that were forked from others; see `lineage_seed.mjs`. */
let family;

before(async () => {
  [address, browser, folder] = await Promise.all([startServer(shared), startBrowser(shared), freshData(shared)]);
  family = await seedFamily(address);
  const experiment = await makeExperiment(address, `aifs/${IMG}`);
  const names = ["baseline", HOSTILE, "wide", "small lr", "long"];
  await forEachOf(names, async (name, place) => {
    const params = { "config.lr": `${place}e-4`, "config.note": name, "config.long": place === 2 ? WORD : FORMULA, same: "x" };
    const curve = (metric) => Array.from({ length: STEPS }, (_, step) => Number((Math.sin(step * (metric + 1)) / 9 + 100 / (step + 100) + place / 10).toPrecision(6)));
    const metrics = Object.fromEntries(Array.from({ length: METRICS }, (_, metric) => [metric === 0 ? "val_loss" : `train/metric_${metric}`, curve(metric)]));
    runs[name] = await makeRun(address, experiment, { name, params, metrics: { ...metrics, single: [place] } });
  });
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** Saves a report from the page that is open; where it is, and what is in it. */
async function save(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "HTML report" }).click()]);
  const path = join(folder, `${Math.random()}.html`);
  await download.saveAs(path);
  return { path, name: download.suggestedFilename(), text: await readFile(path, "utf8") };
}

/** What was configured comes first. */
const rank = (kind) => ["param", "tag", "attribute"].indexOf(kind);

/** The report of a comparison. */
function reportOf(names, state = "") {
  return reportAt(`runs=${names.map((name) => runs[name]).join()}${state}`);
}

/** The report of a comparison with forks, once the page knows of them. */
function reportOfForks(state) {
  return reportAt(state, (page) => page.getByRole("button", { name: "From origin" }).waitFor());
}

async function reportAt(state, known = async () => undefined) {
  const { context, page, mistakes } = await openPage(browser);
  await page.goto(`${address}/#/compare?${state}`);
  await page.locator(".card canvas").first().waitFor();
  await known(page);
  const report = await save(page);
  assert.deepEqual(mistakes, []);
  await context.close();
  return report;
}

/** Opens a report from the disk, without a network; `asked` is all that it wants beside itself. */
async function open(path, options = {}) {
  const { context, page, mistakes } = await openPage(browser, { offline: true, viewport: { width: 1280, height: 900 }, ...options });
  const asked = [];
  page.on("request", (request) => request.url() !== `file://${path}` && asked.push(request.url()));
  page.on("dialog", (dialog) => mistakes.push(`a dialog: ${dialog.message()}`));
  await page.goto(`file://${path}`);
  await page.locator(".plot svg").first().waitFor();
  const done = async () => {
    assert.deepEqual([...mistakes, ...asked], []);
    assert.equal(await page.evaluate(() => "hacked" in window), false);
    await context.close();
  };
  const card = (metric) => page.locator(".card").filter({ has: page.getByRole("heading", { name: metric, exact: true }) });
  return { page, done, card };
}

test("a report has what was compared, and opens without a server and without a network", async () => {
  const names = ["baseline", HOSTILE, "wide"];
  const { path, name, text } = await reportOf(names, `&base=${runs.wide}`);
  assert.match(name, /^baseline_script.*\.html$/);
  assert.doesNotMatch(text.slice(0, text.indexOf("</title>")), /unsafe|\*|http:/);
  const { page, done } = await open(path);
  assert.match(await page.getByRole("heading", { level: 1 }).textContent(), /^baseline, <\/script><script>hacked=1/);
  assert.equal(await page.getByRole("link").getAttribute("href"), `${address}/#/compare?runs=${names.map((one) => runs[one]).join()}&base=${runs.wide}`);
  const table = (title) => page.getByRole("region", { name: title }).getByRole("table");
  assert.deepEqual(await table("Runs").locator("tbody tr").count(), 3);
  assert.match(await table("Runs").locator("tbody tr").nth(2).textContent(), /wide base.*aifs\/.*finished.*ada/s);
  const differs = table("What differs").locator("tr", { hasText: "config.lr" });
  assert.deepEqual(await differs.locator("td").allTextContents(), ["2e-4", "≠ 0e-4", "≠ 1e-4"], "the base comes first");
  assert.equal(await table("What differs").locator("tr", { hasText: "same" }).count(), 0);
  assert.match(await table("Values").locator("tr", { hasText: "val_loss" }).locator("td").nth(1).textContent(), /^[\d.−]+ best @\s1,499$/);
  const order = await table("What differs").locator("tbody th").allTextContents();
  assert.deepEqual(order.map((one) => one.split(" ")[0]), [...order].map((one) => one.split(" ")[0]).sort((one, other) => rank(one) - rank(other)), order.join());
  const link = page.getByRole("link", { name: "Open it there" });
  assert.equal(await link.count(), 1);
  assert.ok((await link.locator("..").innerText()).length < 160, await link.locator("..").innerText());
  assert.deepEqual(await page.locator("script:not([type])").count(), 1);
  assert.deepEqual(await page.locator("img, iframe, object, embed, link").count(), 0);
  await done();
});

test("its curves are read, hidden, zoomed and drawn on a logarithmic axis", async () => {
  const { path } = await reportOf(["baseline", "wide"], "&m=val_loss");
  const { page, done, card } = await open(path);
  const loss = card("val_loss");
  const plot = loss.locator(".plot");
  const box = await plot.boundingBox();
  const at = (share) => [box.x + 60 + share * (box.width - 80), box.y + 100];

  await page.mouse.move(...at(0.5));
  const readings = loss.locator(".readings");
  assert.match(await readings.innerText(), /^step 7\d\d\n/);
  assert.equal(await readings.locator("tr").count(), 2);

  const lines = plot.locator("path[stroke-linejoin]");
  const legend = page.getByRole("list", { name: "Runs" });
  assert.equal(await lines.count(), 2);
  await legend.getByRole("button", { name: "wide" }).click();
  assert.equal(await lines.count(), 1);
  assert.equal(await legend.getByRole("button", { name: "wide" }).getAttribute("aria-pressed"), "false");
  await legend.getByRole("button", { name: "wide" }).click();

  const labels = () => plot.locator("text[text-anchor=middle]").allTextContents();
  const all = await labels();
  await page.mouse.move(...at(0.2));
  await page.mouse.down();
  await page.mouse.move(...at(0.4), { steps: 4 });
  await page.mouse.up();
  const some = (await labels()).map(Number);
  assert.ok(Math.min(...some) >= 280 && Math.max(...some) <= 620, some.join());
  assert.ok(await loss.getByRole("button", { name: "Reset zoom" }).isVisible());
  await plot.dblclick();
  assert.deepEqual(await labels(), all);
  assert.ok(!(await loss.getByRole("button", { name: "Reset zoom" }).isVisible()));

  const heights = () => plot.locator("text[text-anchor=end]").allTextContents();
  const linear = await heights();
  await loss.getByRole("button", { name: "Log" }).click();
  assert.notDeepEqual(await heights(), linear);

  await plot.focus();
  await page.keyboard.press("ArrowRight");
  assert.match(await readings.innerText(), /^step 7\d\d\n/);
  await done();
});

test("a report shows what the page showed: hidden runs, smoothing, a part of x, one kind of x", async () => {
  const { path } = await reportOf(["baseline", "wide"], `&m=val_loss&x=rel&sm=0.9&range=100000:200000&y=log&hide=${runs.wide}`);
  const { page, done, card } = await open(path);
  assert.match(await page.getByRole("region", { name: "Curves" }).locator("p").first().textContent(), /x from 100000 to 200000 · smoothed by 0.9/);
  assert.match(await card("val_loss").locator(".notes").textContent(), /^Time since start/);
  assert.equal(await card("val_loss").getByRole("button", { name: "Log" }).getAttribute("aria-pressed"), "true");
  assert.equal(await page.getByRole("button", { name: "wide" }).getAttribute("aria-pressed"), "false");
  const paths = card("val_loss").locator("path[stroke-linejoin]");
  assert.equal(await paths.count(), 2, "the smoothed line of one run, and what it was before");
  await done();
});

test("values are those that the page shows: at a step, or the best", async () => {
  const told = async (state) => {
    const { path } = await reportOf(["baseline", "wide"], `&m=val_loss${state}`);
    const { page, done } = await open(path);
    const table = page.getByRole("region", { name: "Values" }).getByRole("table");
    const cells = [table.locator("thead th").first(), table.locator("tr", { hasText: "val_loss" }).locator("td").first(), table.locator("tr", { hasText: "metric_1" }).locator("td").first()];
    const found = await Promise.all(cells.map((cell) => cell.textContent()));
    await done();
    return found;
  };
  const [head, loss] = await told("&at=100");
  assert.equal(head, "Metric, value at step 100");
  assert.match(loss, /^0\.4\d+ best$/);
  const [best, lowest, range] = await told("&val=best");
  assert.equal(best, "Metric, best value @ step");
  assert.match(lowest, /^−?0\.0\d+ best @\s1,4\d\d$/);
  assert.match(range, /^[−\d.]+ to [\d.]+$/);
});

test("forks are told, and drawn from their origin on as on the page", async () => {
  const { path } = await reportOfForks(`runs=${family.fork},${family.restarted}&origin=1`);
  const { page, done, card } = await open(path);
  const row = page.getByRole("region", { name: "Runs as table" }).locator("tbody tr");
  assert.match(await row.first().textContent(), /forked from control at step 50/);
  const loss = card("val_loss");
  assert.match(await loss.locator(".notes").textContent(), /^Step · faded: control \(origin\) up to step 50/);
  const lines = loss.locator("path[stroke-linejoin]");
  const tick = loss.locator('path[stroke-dasharray="2 3"]:not([stroke-linejoin])');
  assert.equal(await lines.count(), 3);
  assert.equal(await tick.count(), 1);
  const box = await loss.locator(".plot").boundingBox();
  await page.mouse.move(box.x + 0.3 * box.width, box.y + 100);
  assert.match(await loss.locator(".readings").innerText(), /control \(origin\)/);
  await page.mouse.move(0, 0);
  // What only a hidden fork comes from goes with it.
  await page.getByRole("list", { name: "Runs" }).getByRole("button", { name: "fork" }).click();
  assert.equal(await lines.count(), 1);
  assert.equal(await tick.count(), 0);
  await done();

  const plain = await open((await reportOfForks(`runs=${family.fork},${family.restarted}`)).path);
  assert.equal(await plain.card("val_loss").locator("path[stroke-linejoin]").count(), 2);
  await plain.done();
});

test("beside curves of whole trainings, durations are said to be those of attempts", async () => {
  const { path } = await reportOfForks(`runs=${family.second},${family.fork}&x=joined&origin=1&all=1`);
  const { page, done, card } = await open(path);
  assert.equal(await page.getByRole("columnheader", { name: "Duration" }).textContent(), "Duration, this attempt only");
  assert.equal(await page.getByRole("rowheader", { name: "attribute duration" }).textContent(), "attribute duration this attempt only");
  assert.doesNotMatch(await card("val_loss").locator(".notes").textContent(), /faded/, "an origin that is drawn as a run is not drawn twice");
  await done();
});

test("the tables of five runs of long values are within a window, and on paper", async () => {
  const { path } = await reportOf(Object.keys(runs), "&m=val_loss");
  const beyond = (page) => page.locator(".scroll").evaluateAll((boxes) => boxes.map((box) => box.scrollWidth - box.clientWidth));
  const { page, done } = await open(path, { viewport: { width: 1440, height: 900 } });
  assert.deepEqual(await beyond(page), [0, 0, 0]);
  await page.emulateMedia({ media: "print" });
  // A4 within its margins.
  await page.setViewportSize({ width: 718, height: 1_000 });
  assert.deepEqual(await beyond(page), [0, 0, 0]);
  await done();
});

test("five runs with thirty metrics are less than a megabyte", async () => {
  const { path, text } = await reportOf(Object.keys(runs), "&m=/./");
  assert.ok(text.length < 1_000_000, `${text.length} bytes`);
  const { page, done } = await open(path);
  assert.equal(await page.locator(".card").count(), METRICS + 1);
  assert.ok(text.length > 300_000, `${text.length} bytes: the curves are there`);
  await done();
});

test("a run has a report of its own, with its params, below a path too", async () => {
  const portal = `http://127.0.0.1:${await startPortal(shared, address, "/node/1")}/node/1`;
  const { context, page, mistakes } = await openPage(browser);
  const [experiment] = (await (await fetch(`${address}/api/2.0/mlflow/runs/get?run_id=${runs[HOSTILE]}`)).json()).run.info.experiment_id;
  await page.goto(`${portal}/#/experiments/${experiment}/runs/${runs[HOSTILE]}/model-metrics`);
  await page.locator(".card canvas").first().waitFor();
  const { path } = await save(page);
  assert.deepEqual(mistakes, []);
  await context.close();
  const report = await open(path);
  assert.match(await report.page.getByRole("region", { name: "Params as table" }).textContent(), /config\.lr1e-4/);
  assert.equal(await report.page.getByRole("region", { name: "What differs" }).count(), 0);
  await report.done();
});

test("a report that cannot be made is no file, and it is said why", async () => {
  const { context, page } = await openPage(browser);
  await page.route("**/windvane/v1/values", (route) => route.fulfill({ status: 500, json: { message: "the disk is full" } }));
  await page.goto(`${address}/#/compare?runs=${runs.baseline},${runs.wide}`);
  await page.locator(".card canvas").first().waitFor();
  page.on("download", () => assert.fail("a file was saved"));
  await page.getByRole("button", { name: "HTML report" }).click();
  await page.getByText("Making the report failed: the disk is full.").waitFor();
  await page.getByRole("button", { name: "HTML report", disabled: false }).waitFor();
  await context.close();
});

test("a report is read by everybody: both themes, a telephone, paper, no script", async () => {
  const { path } = await reportOf(Object.keys(runs));
  for (const colorScheme of ["light", "dark"]) {
    const { page, done } = await open(path, { colorScheme });
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(dark, colorScheme === "dark" ? "rgb(15, 21, 23)" : "rgb(245, 247, 248)");
    assert.deepEqual(await accessibilityFindings(page), [], colorScheme);
    await done();
  }
  const { page, done } = await open(path, { viewport: { width: 390, height: 844 } });
  const plot = page.locator(".plot").first();
  await plot.hover();
  const [box, readings] = [await plot.boundingBox(), await page.locator(".readings").first().boundingBox()];
  assert.ok(readings.x >= box.x - 1 && readings.x + readings.width <= box.x + box.width + 1, "what is read stays within the chart");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
  await page.emulateMedia({ media: "print" });
  assert.ok(!(await page.getByRole("button", { name: "Log" }).first().isVisible()));
  await done();
  const { context, page: bare } = await openPage(browser, { offline: true, javaScriptEnabled: false });
  await bare.goto(`file://${path}`);
  assert.ok(await bare.getByText("The curves are drawn by a script").isVisible());
  assert.ok(await bare.getByRole("region", { name: "Values as table" }).isVisible());
  await context.close();
});
