// The page of a run in a real browser, against the real server: its head, tabs, what can be edited, and its states.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, startBrowser, startServer, titled } from "./support.mjs";

const HOSTILE = `"><img src=x onerror="document.title='owned'">`;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What Chromium itself writes to the console when a run is not there, as the test wants it. */
const NOT_FOUND = /^Failed to load resource: .* status of 404/;

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let experiment;
let runs;

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "aifs/global");
  runs = await makeRuns();
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** A training of two attempts, of which the second is silent; a fork of it that is running, with a run nested in it. */
async function makeRuns() {
  const now = Date.now();
  const common = { projectName: "Anemoi", SLURM_JOB_ID: "4242424", "mlflow.source.name": "anemoi-training train" };
  const config = Object.fromEntries(Array.from({ length: 1_200 }, (_, place) => [`config.model.layer_${place % 40}.value_${place}`, place]));
  const curve = (from, to) => Array.from({ length: (to - from) / 500 + 1 }, (_, place) => [from + place * 500, 1 / (1 + place)]);
  const first = await makeRun(address, experiment, {
    name: "aifs-transformer",
    params: { ...config, "config.training.lr.rate": "1e-4", "config.training.max_steps": "150000" },
    tags: common,
    metrics: { val_loss: curve(0, 60_000), epoch: curve(0, 60_000), "system/gpu_0_utilization_percentage": [50, 60] },
    status: "KILLED",
    start: now - 48 * HOUR_MS,
  });
  const second = await makeRun(address, experiment, {
    name: "aifs-transformer",
    params: { "config.training.run_id": first, "config.training.max_steps": "150000" },
    tags: { ...common, "mlflow.parentRunId": first, resumedRun: "True" },
    metrics: { val_loss: curve(60_000, 90_000) },
    status: "RUNNING",
    start: now - 45 * MINUTE_MS,
  });
  const fork = await makeRun(address, experiment, {
    name: "aifs-lr-half",
    params: { ...config, "config.training.lr.rate": "5e-5", "config.training.fork_run_id": first, "config.training.max_steps": "150000" },
    tags: { ...common, forkedRun: "True", forkedRunId: first },
    metrics: { val_loss: curve(30_500, 45_000), epoch: [[45_000, 12]], only_nan: [[31_000, "NaN"], [31_500, "NaN"]] },
    status: "RUNNING",
    start: now - 31_000,
  });
  const child = await makeRun(address, experiment, { name: "child", tags: { "mlflow.parentRunId": fork }, start: now - 20_000 });
  const alone = await makeRun(address, experiment, { name: "alone", start: now - 100 * HOUR_MS });
  return { first, second, fork, child, alone };
}

/** A page at a run's tab, and what went wrong in it. */
async function openRun(t, run, rest = "") {
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(`${address}/#/experiments/${experiment}/runs/${run}${rest}`);
  return { page, mistakes };
}

const note = (page, text) => page.getByRole("status").filter({ hasText: text });

test("the head says how far a run is, and when it will end", async (t) => {
  const { page, mistakes } = await openRun(t, runs.fork);

  await page.getByRole("heading", { level: 1, name: "aifs-lr-half" }).waitFor();
  await page.getByText("step 45,000 / 150,000 · epoch 12").waitFor();
  await page.getByText("Ends about").waitFor();
  assert.equal(await page.getByRole("progressbar", { name: "Progress" }).evaluate((bar) => bar.value), 0.3);
  await titled(page, "aifs-lr-half · Windvane");
  await page.getByText("forked from aifs-transformer at step 30,500").waitFor();
  await page.getByText("1 run nested in it").waitFor();
  assert.deepEqual(mistakes, []);
});

test("an attempt leads to the one before, and says for how long it has been silent", async (t) => {
  const { page, mistakes } = await openRun(t, runs.second);

  await page.getByText("attempt 2 of 2 of aifs-transformer").waitFor();
  await page.getByText(/silent for 4\d min/).waitFor();
  assert.equal(await page.getByText("Ends about").count(), 0);
  await page.getByRole("link", { name: "previous" }).click();
  await page.getByText("attempt 1 of 2 of aifs-transformer").waitFor();
  await page.getByText("Killed").waitFor();
  await page.keyboard.press("]");
  await page.getByText("attempt 2 of 2").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a name is edited in place, and the change can be taken back", async (t) => {
  const { page, mistakes } = await openRun(t, runs.alone);
  const heading = page.getByRole("heading", { level: 1 });

  await page.getByRole("button", { name: "Rename" }).click();
  const field = page.getByRole("textbox", { name: "Name of the run" });
  assert.equal(await field.evaluate((box) => box === document.activeElement && box.value), "alone");
  await page.keyboard.press("Escape");
  await heading.getByText("alone").waitFor();
  await page.getByRole("button", { name: "Rename" }).click();
  await field.fill(HOSTILE);
  await page.keyboard.press("Enter");
  await heading.getByText(HOSTILE.slice(0, 10)).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await heading.getByText("alone").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a tag is added, changed and removed, and comes back with Undo", async (t) => {
  const { page, mistakes } = await openRun(t, runs.alone);
  const tags = page.getByRole("region", { name: "Tags", exact: true });

  await tags.getByRole("button", { name: "Add tag" }).click();
  await tags.getByLabel("Name").fill("hpc");
  await tags.getByLabel("Value").fill("lumi");
  await tags.getByRole("button", { name: "Save" }).click();
  await tags.getByText("lumi").waitFor();
  await tags.getByRole("button", { name: "Add tag" }).click();
  await tags.getByLabel("Name").fill("hpc");
  await tags.getByRole("button", { name: "Save" }).click();
  await tags.getByText("There is a tag “hpc” already").waitFor();
  await tags.getByRole("button", { name: "Cancel" }).click();
  await tags.getByRole("button", { name: "Change the tag hpc" }).click();
  await tags.getByLabel("Value of hpc").fill("https://example.org/job?a=1");
  await tags.getByLabel("Value of hpc").press("Enter");
  const link = tags.getByRole("link", { name: "https://example.org/job?a=1" });
  assert.equal(await link.getAttribute("rel"), "noreferrer");
  await tags.getByRole("button", { name: "Remove the tag hpc" }).click();
  await tags.getByText("No tags yet.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await link.waitFor();
  assert.deepEqual(mistakes, []);
});

test("a note is Markdown without any HTML", async (t) => {
  const { page, mistakes } = await openRun(t, runs.alone);
  const section = page.getByRole("region", { name: "Note", exact: true });

  await section.getByRole("button", { name: "Add note" }).click();
  await section.getByLabel("Note").fill(`**bold** [bad](javascript:alert(1)) [good](https://example.org) ${HOSTILE}`);
  await section.getByRole("button", { name: "Save" }).click();
  await section.locator("strong", { hasText: "bold" }).waitFor();
  assert.deepEqual(await section.getByRole("link").evaluateAll((links) => links.map((link) => link.href)), ["https://example.org/"]);
  assert.equal(await section.locator("img").count(), 0);
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("the overview has values against the origin, what differs from it, and facts", async (t) => {
  const { page, mistakes } = await openRun(t, runs.fork);

  const values = page.getByRole("region", { name: "Last values", exact: true });
  const row = values.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "val_loss" }) });
  // 30 points, 1 to 1/30, against 1/121 of the origin.
  await row.filter({ hasText: "0.033333" }).filter({ hasText: "45,000" }).waitFor();
  await row.getByText("+0.025069").waitFor();
  await values.getByRole("rowheader", { name: "only_nan" }).waitFor();
  const differs = page.getByRole("region", { name: "Params that differ", exact: true });
  const rate = differs.getByRole("row").filter({ hasText: "config.training.lr.rate" });
  await rate.waitFor();
  assert.deepEqual((await rate.allInnerTexts()).map((text) => text.split(/\s+/)), [["config.training.lr.rate", "1e-4", "5e-5"]]);
  const facts = page.getByRole("region", { name: "Facts", exact: true });
  await facts.getByText("4242424").waitFor();
  await facts.getByText(runs.fork, { exact: true }).waitFor();
  assert.equal(await page.getByRole("region", { name: "Last lines of the log" }).count(), 0);
  assert.deepEqual(mistakes, []);
});

test("a run without anything has no empty sections", async (t) => {
  const { page, mistakes } = await openRun(t, runs.child);

  await page.getByRole("heading", { name: "Facts" }).waitFor();
  await page.getByText("nested in aifs-lr-half").waitFor();
  for (const name of ["Last values", "Principal curves", "Datasets"]) assert.equal(await page.getByRole("region", { name }).count(), 0, name);
  assert.deepEqual(mistakes, []);
});

test("the dataset that a run read is told", async (t) => {
  const { run } = await call(address, "runs/create", { experiment_id: experiment, run_name: "with data", start_time: 1 });
  const dataset = { name: HOSTILE, digest: "abc123", source_type: "local", source: "{}", schema: "{}", profile: "{}" };
  await call(address, "runs/log-inputs", { run_id: run.info.run_id, datasets: [{ dataset, tags: [] }] });
  const { page, mistakes } = await openRun(t, run.info.run_id);

  const datasets = page.getByRole("region", { name: "Datasets" });
  await datasets.getByText("abc123").waitFor();
  await datasets.getByText(HOSTILE).waitFor();
  assert.deepEqual(mistakes, []);
});

test("params are a tree that opens, a flat list, and found by words; the address keeps how", async (t) => {
  const { page, mistakes } = await openRun(t, runs.fork, "/params");

  await page.getByText("1,203 params").waitFor();
  const model = page.getByRole("button", { name: /^model/ });
  assert.equal(await model.getAttribute("aria-expanded"), "false");
  await model.click();
  await page.getByRole("button", { name: /^layer_0 / }).click();
  await page.getByText("value_40", { exact: true }).waitFor();
  await page.getByLabel("Search params").fill("lr rate");
  await page.getByText("1 of 1,203 params").waitFor();
  await page.getByText("5e-5").waitFor();
  await page.getByRole("button", { name: "Flat" }).click();
  await page.getByRole("rowheader", { name: "config.training.lr.rate" }).waitFor();
  assert.match(page.url(), /\/params\?q=lr%20rate&flat=1$/);
  await page.reload();
  await page.getByRole("rowheader", { name: "config.training.lr.rate" }).waitFor();
  await page.getByLabel("Search params").fill("no such thing");
  await page.getByText("None of 1,203 params has “no such thing”.").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByText("1,203 params").waitFor();
  assert.deepEqual(mistakes, []);
});

test("params are copied as YAML and as JSON", async (t) => {
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${address}/#/experiments/${experiment}/runs/${runs.second}/params`);

  await page.getByRole("button", { name: "YAML" }).click();
  await note(page, "Copied 2 params as YAML").waitFor();
  const held = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(held, /^config:\n {2}training:\n {4}max_steps: 150000\n {4}run_id: .*\n$/);
  await page.getByRole("button", { name: "JSON" }).click();
  await note(page, "Copied 2 params as JSON").waitFor();
  const json = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual(json, { config: { training: { max_steps: 150_000, run_id: runs.first } } });
  assert.deepEqual(mistakes, []);
});

test("the lineage is a list that leads to each run, and to a comparison of them", async (t) => {
  const { page, mistakes } = await openRun(t, runs.second, "/lineage?show=list");

  await page.getByText("4 runs that hang together").waitFor();
  const lines = await page.locator(".lineage-run").allInnerTexts();
  const told = lines.map((text) => text.split("\n").slice(0, 2).join(" "));
  assert.deepEqual(told, ["attempt 1 aifs-transformer", "attempt 2 aifs-transformer", "forked at step 30,500 aifs-lr-half", "nested child"]);
  const href = await page.getByRole("link", { name: "Compare this lineage" }).getAttribute("href");
  assert.equal(href.startsWith("#/compare?runs="), true);
  for (const run of [runs.first, runs.second, runs.fork, runs.child]) assert.ok(href.includes(run));
  await page.getByRole("link", { name: "aifs-lr-half" }).click();
  await page.getByRole("heading", { level: 1, name: "aifs-lr-half" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("tabs are links with counts", async (t) => {
  const { page, mistakes } = await openRun(t, runs.first);

  const tabs = page.getByRole("navigation", { name: "Parts of the run" });
  await tabs.getByRole("link", { name: "Metrics 2", exact: true }).click();
  await page.waitForURL(/\/model-metrics$/);
  await tabs.getByRole("link", { name: "System metrics 1" }).click();
  await page.waitForURL(/\/system-metrics$/);
  await tabs.getByRole("link", { name: "Params 1,202" }).click();
  await page.getByText("1,202 params").waitFor();
  assert.equal(await tabs.locator("[aria-current=page]").innerText(), "Params 1,202");
  await page.goBack();
  await page.waitForURL(/\/system-metrics$/);
  assert.deepEqual(mistakes, []);
});

test("on a narrow window the tab that is open is in view", async (t) => {
  const { page } = await openRun(t, runs.fork, "/lineage");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.reload();
  const inView = () => page.locator(".tabs").evaluate((bar) => {
    const [box, current] = [bar, bar.querySelector("[aria-current]")].map((element) => element.getBoundingClientRect());
    return bar.scrollWidth > bar.clientWidth && current.left >= box.left - 1 && current.right <= box.right + 1;
  });
  await page.locator(".tabs [aria-current]").waitFor();
  assert.equal(await inView(), true);
  await page.locator(".tabs").getByRole("link", { name: "Overview" }).click();
  await page.locator('.tabs [aria-current]:has-text("Overview")').waitFor();
  assert.equal(await inView(), true);
});

test("a run goes into the basket and out, and its link is copied", async (t) => {
  const { page, mistakes } = await openRun(t, runs.alone);

  await page.getByRole("button", { name: "Add to basket" }).click();
  await page.getByRole("button", { name: "In the basket", pressed: true }).click();
  await page.getByRole("button", { name: "Add to basket" }).waitFor();
  await page.keyboard.press("y");
  await note(page, "The link is copied.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a comparison with what the run comes from is one click away", async (t) => {
  const { page, mistakes } = await openRun(t, runs.fork);

  await page.getByRole("button", { name: "Compare with" }).click();
  const link = page.getByRole("link", { name: /^origin aifs-transformer/ });
  assert.equal(await link.getAttribute("href"), `#/compare?runs=${runs.first},${runs.fork}`);
  await page.keyboard.press("Escape");
  await link.waitFor({ state: "detached" });
  assert.deepEqual(mistakes, []);
});

test("a run is deleted with what is nested in it, says so, and comes back", async (t) => {
  const parent = await makeRun(address, experiment, { name: "parent" });
  await makeRun(address, experiment, { name: "nested", tags: { "mlflow.parentRunId": parent } });
  const { page, mistakes } = await openRun(t, parent);

  await page.getByText("1 run nested in it").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete run" });
  assert.equal(await dialog.getByLabel("Also the 1 run nested in it").isChecked(), true);
  await dialog.getByRole("button", { name: "Move to trash" }).click();
  await note(page, "Moved 2 runs to the trash").waitFor();
  await page.getByText("This run is in the trash").waitFor();
  assert.equal(await page.getByRole("button", { name: "Rename" }).count(), 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("This run is in the trash").waitFor({ state: "detached" });
  assert.deepEqual(mistakes, []);
});

test("a deleted run is shown, and its banner restores it", async (t) => {
  const run = await makeRun(address, experiment, { name: "in the trash" });
  await call(address, "runs/delete", { run_id: run });
  const { page, mistakes } = await openRun(t, run);

  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("button", { name: "Rename" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Restore" }).count(), 0);
  assert.deepEqual(mistakes, []);
});

test("a run that is not there says so", async (t) => {
  const { page, mistakes } = await openRun(t, "0f".repeat(16));

  await page.getByText("There is no such run.").waitFor();
  await page.getByRole("link", { name: "All runs" }).waitFor();
  assert.deepEqual(mistakes.filter((text) => !NOT_FOUND.test(text)), []);
});

test("what fails says so where it is, and the rest goes on working", async (t) => {
  const { context, page } = await openPage(browser);
  t.after(() => context.close());
  await page.route("**/api/windvane/v1/diff", (route) => route.fulfill({ status: 503, json: { message: "not now" } }));
  await page.goto(`${address}/#/experiments/${experiment}/runs/${runs.fork}`);

  const differs = page.getByRole("region", { name: "Params that differ", exact: true });
  await differs.getByText("not now").waitFor();
  await page.getByRole("rowheader", { name: "val_loss" }).waitFor();
  await page.unroute("**/api/windvane/v1/diff");
  await differs.getByRole("button", { name: "Retry" }).click();
  await differs.getByText("config.training.lr.rate").waitFor();
});

test("what is logged while somebody looks appears by itself", async (t) => {
  const run = await makeRun(address, experiment, { name: "live", metrics: { loss: [1] }, status: "RUNNING", start: Date.now() });
  const { page, mistakes } = await openRun(t, run);
  await page.getByText("step 0", { exact: true }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();

  await call(address, "runs/log-batch", { run_id: run, metrics: [{ key: "loss", value: 0.5, step: 700, timestamp: Date.now() }] });
  await page.getByText("step 700", { exact: true }).waitFor();
  await page.getByRole("region", { name: "Last values", exact: true }).getByRole("cell", { name: "700" }).first().waitFor();
  assert.deepEqual(mistakes, []);
});

test("however much of the page follows changes, the server is asked once", async (t) => {
  const { context, page } = await openPage(browser);
  t.after(() => context.close());
  let open = 0;
  let most = 0;
  const isLook = (request) => /\/changes\?.*experiment_ids/.test(request.url());
  page.on("request", (request) => isLook(request) && (most = Math.max(most, (open += 1))));
  page.on("requestfinished", (request) => isLook(request) && (open -= 1));
  await page.goto(`${address}/#/experiments/${experiment}/runs/${runs.fork}`);
  await page.locator(".curve canvas").first().waitFor();
  assert.equal(most, 1);
});

test("hostile names, params and tags are text", async (t) => {
  const word = "w".repeat(5_000);
  const run = await makeRun(address, experiment, {
    name: `${HOSTILE}\u202e evil`,
    params: { hostile: HOSTILE, [`a.${"x".repeat(200)}`]: word },
    tags: { hostile: HOSTILE, link: "javascript:alert(1)", "a tag": word },
    metrics: { val_loss: [1, 2] },
  });
  for (const tab of ["", "/params", "/lineage", "/model-metrics", "/artifacts"]) {
    const { page, mistakes } = await openRun(t, run, tab);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByRole("navigation", { name: "Parts of the run" }).waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, `${tab} is wider than the window`);
    assert.equal(await page.locator("main img").count(), 0);
    assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
    assert.notEqual(await page.title(), "owned");
    assert.deepEqual(mistakes, [], tab);
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing in any tab, in ${colorScheme}`, async (t) => {
    const { context, page, mistakes } = await openPage(browser, { colorScheme, reducedMotion: "reduce" });
    t.after(() => context.close());
    const ready = { "": "Facts", "/params": null, "/lineage": null };
    for (const [tab, heading] of Object.entries(ready)) {
      await page.goto(`${address}/#/experiments/${experiment}/runs/${runs.fork}${tab}`);
      await page.getByRole("navigation", { name: "Parts of the run" }).waitFor();
      if (heading !== null) await page.getByRole("heading", { name: heading }).waitFor();
      else await page.locator(".run-tools").waitFor();
      assert.deepEqual(await accessibilityFindings(page), [], tab);
    }
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], "dialog");
    assert.deepEqual(mistakes, []);
  });
}
