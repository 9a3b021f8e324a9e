// What runs now: the page of its own, the marks of what wants a look, and how little is asked meanwhile.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hostileName, seedRunning } from "./live_seed.mjs";
import { call, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, pressBoth, settled, startBrowser, startPortal, startServer, titled } from "./support.mjs";

const LIVE = "#/runs?q=attributes.status='RUNNING'";
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let seeded;

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  seeded = await seedRunning(address);
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** A page that is opened at the moment that the runs are relative to, however long the tests before it took. */
async function open(t, place = LIVE, options = {}) {
  const { context, page, mistakes } = await openPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  t.after(() => context.close());
  await page.addInitScript((now) => (Date.now = () => now), seeded.now);
  await page.goto(`${address}/${place}`);
  return { page, mistakes };
}

const row = (page, name) => page.locator(".grid-row").filter({ has: page.getByRole("link", { name, exact: true }) });
/** Waits until the page hears of changes, which the bar says: without a link the word is only what this page is called. */
const followed = (page) => page.getByRole("link", { name: /^Live/ }).waitFor();
const cell = async (page, name, column) => (await row(page, name).locator(`[data-column="${column}"]`).innerText()).replace(/\s+/g, " ").trim();

test("each run says how far it is, how fast, what its loss is and when it ends", async (t) => {
  const { page, mistakes } = await open(t);
  await page.getByRole("heading", { level: 1, name: "Live" }).waitFor({ state: "attached" });
  await row(page, "healthy").locator(".inline-curve").waitFor();

  assert.deepEqual(await page.locator('[role="columnheader"]').allInnerTexts().then((all) => all.slice(1).map((text) => text.trim())), [
    "Name", "Status", "Experiment", "Steps", "Steps/s", "Last point", "Loss", "Ends about", "User",
  ]);
  assert.equal(await cell(page, "healthy", "steps"), "990 / 100,000");
  // A point of ten steps each second.
  assert.equal(await cell(page, "healthy", "rate"), "10");
  assert.match(await cell(page, "healthy", "seen"), /^just now$/);
  assert.match(await cell(page, "healthy", "loss"), /^0\.01/);
  assert.match(await cell(page, "healthy", "ends"), /^(\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d)$/);
  assert.equal(await page.locator(".grid-row").count(), 5, "what has ended is not there");
  await titled(page, "Live · Windvane");
  assert.deepEqual(mistakes, []);
});

test("what wants a look is marked in words, here, in the table of its experiment and in the head of the run", async (t) => {
  const { page, mistakes } = await open(t);
  const expected = { silent: /silent for 35 min(?: \d+ %)?$/, diverged: /NaN since step 420(?: \d+ %)?$/, worse: /loss up 50 % from its best(?: \d+ %)?$/, healthy: /^Running 0 %$/ };
  for (const place of [LIVE, `#/experiments/${seeded.experiment}/runs`]) {
    await page.goto(`${address}/${place}`);
    for (const [name, words] of Object.entries(expected)) {
      await row(page, name).waitFor();
      assert.match(await cell(page, name, "status"), words, `${name} in ${place}`);
    }
  }
  await page.goto(`${address}/#/experiments/${seeded.experiment}/runs/${seeded.runs.diverged}`);
  await page.getByText("NaN since step 420", { exact: true }).waitFor();
  await page.goto(`${address}/#/experiments/${seeded.experiment}/runs/${seeded.runs.healthy}`);
  await page.getByText("Ends about").waitFor();
  assert.equal(await page.locator(".warning").count(), 0);
  assert.deepEqual(mistakes, []);
});

test("of two marks the worse is in words and both are in the title, and a run that is silent still says how far it is", async (t) => {
  const loss = Array.from({ length: 100 }, (_, place) => [place * 10, place < 42 ? 1 / (1 + place) : "NaN"]);
  const start = seeded.now - 100_000 - 8.5 * 60_000;
  const both = await makeRun(address, seeded.experiment, { name: "both", params: { max_steps: 1_500 }, metrics: { val_loss: loss }, status: "RUNNING", start });
  t.after(() => call(address, "runs/update", { run_id: both, status: "FINISHED", end_time: Date.now() }));
  const { page, mistakes } = await open(t);
  await row(page, "both").waitFor();
  assert.match(await cell(page, "both", "status"), /^Running NaN since step 420 ?, silent for 8 min 66 %$/);
  const mark = row(page, "both").locator(".silent");
  assert.equal(await mark.getAttribute("title"), "NaN since step 420 · silent for 8 min");
  assert.ok(await mark.evaluate((element) => element.scrollWidth <= element.clientWidth + 1), "the worse is whole");
  assert.match(await cell(page, "silent", "status"), /silent for 35 min 0 %$/);
  assert.deepEqual(mistakes, []);
});

test("the bar counts what runs and leads there, and so do two keys", async (t) => {
  const { page, mistakes } = await open(t, "#/");
  const link = page.getByRole("link", { name: /Live\s*5 running/ });
  await link.waitFor();
  await link.click();
  await row(page, "healthy").waitFor();
  assert.equal(await link.getAttribute("aria-current"), "page");
  await page.goto(`${address}/#/`);
  await page.getByRole("heading", { name: "Experiments" }).first().waitFor();
  await pressBoth(page, "g", "l");
  await row(page, "healthy").waitFor();
  assert.deepEqual(mistakes, []);
});

test("while nothing happens one small question is asked every five seconds", async (t) => {
  const { page } = await open(t);
  await row(page, "healthy").locator(".inline-curve").waitFor();
  await followed(page);
  await page.waitForLoadState("networkidle");
  const asked = [];
  // The browser fetches the icon whenever it likes.
  page.on("request", (request) => request.url().endsWith(".svg") || asked.push(request));
  for (let looks = 0; looks < 2; looks += 1) {
    const answer = await page.waitForResponse((response) => response.url().includes("/changes"));
    const size = (await answer.body()).length;
    assert.ok(size < 2_000, `${size} bytes`);
  }
  assert.deepEqual(asked.map((request) => new URL(request.url()).pathname.split("/").pop()), ["changes", "changes"]);
  // By the clock of the browser, of which this process may hear late.
  const [first, second] = asked.map((request) => request.timing().startTime);
  assert.ok(second - first > 4_000);
});

test("what begins and what ends is there without a reload, in the table and in the count", async (t) => {
  const { page, mistakes } = await open(t);
  await row(page, "healthy").waitFor();
  await followed(page);
  const late = await makeRun(address, seeded.experiment, { name: "late", status: "RUNNING", start: Date.now() });
  await row(page, "late").waitFor();
  await page.getByRole("link", { name: /6 running/ }).waitFor();
  await call(address, "runs/update", { run_id: late, status: "FINISHED", end_time: Date.now() });
  await row(page, "late").waitFor({ state: "detached" });
  assert.deepEqual(mistakes, []);
});

test("axe-core finds nothing, in both themes and below a path, and names are text", async (t) => {
  const portal = `http://127.0.0.1:${await startPortal(t, address, "/node/a/1")}/node/a/1`;
  for (const colorScheme of ["light", "dark"]) {
    const { context, page, mistakes } = await openPage(browser, { colorScheme, viewport: { width: 1280, height: 800 } });
    t.after(() => context.close());
    await page.goto(`${portal}/${LIVE}`);
    await row(page, "healthy").locator(".inline-curve").waitFor();
    await settled(page);
    assert.deepEqual(await accessibilityFindings(page), []);
    assert.equal(await row(page, hostileName).locator(".run-link").textContent(), hostileName);
    assert.deepEqual(mistakes, []);
  }
});

test("where nothing runs the page says so, and what begins appears", async (t) => {
  const { page, mistakes } = await open(t);
  await row(page, "healthy").waitFor();
  await followed(page);
  const ids = await page.locator(".grid-row .run-link").evaluateAll((links) => links.map((link) => link.getAttribute("href").split("/").pop()));
  for (const run of ids) await call(address, "runs/update", { run_id: run, status: "FINISHED", end_time: Date.now() });
  await page.getByText("Nothing is running.").waitFor();
  await makeRun(address, seeded.experiment, { name: "next", status: "RUNNING", start: Date.now() });
  await row(page, "next").waitFor();
  assert.deepEqual(mistakes, []);
});

test("on a small screen a run is a card with its loss and its steps, and the bar still leads there", async (t) => {
  const { page, mistakes } = await open(t, "#/", { viewport: { width: 390, height: 844 } });
  await page.getByRole("link", { name: /Live\s*1 running/ }).click();
  await row(page, "next").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0);
  assert.deepEqual(mistakes, []);
});
