// What stands around every screen: search, experiments, basket, keys, settings, and what the page says when the server is gone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask } from "./seed.mjs";
import { accessibilityFindings, openPage, pressBoth, signIn, startBrowser, startDemo, startServer, titled } from "./support.mjs";

const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let experiments;
let sweep;

before(async () => {
  address = await startDemo(shared);
  browser = await startBrowser(shared);
  const found = (await ask(address, "experiments")).experiments;
  experiments = new Map(found.map((one) => [one.name, one.experiment_id]));
  const request = { experiment_ids: [experiments.get("aifs/sweep")], columns: ["attribute.run_name"], limit: 3 };
  sweep = (await ask(address, "rows", request)).rows;
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** The list of experiments, in a browser of its own kind. */
async function openExperiments(options) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${address}/`);
  await rowOf(opened.page, "aifs/global").waitFor();
  return opened;
}

const rowOf = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const hash = (page) => new URL(page.url()).hash;
const palette = (page) => page.getByRole("dialog", { name: "Search" });
const isAt = (page, place) => page.waitForURL((url) => url.hash === place || url.hash.startsWith(`${place}?`));

test("the palette finds experiments and runs, and does what can be done", async () => {
  const { page, mistakes } = await openExperiments();
  await page.keyboard.press("/");
  await page.keyboard.type("AIFS/sw");
  // The one that Enter picks: among what the first letters find there may be others before it.
  await palette(page).getByRole("option", { name: "aifs/sweep", selected: true }).waitFor();
  await page.keyboard.press("Enter");
  await isAt(page, `#/experiments/${experiments.get("aifs/sweep")}/runs`);

  // Also while typing, by its other key; and the mouse does what Enter does.
  await page.keyboard.press("Control+k");
  const [run, experiment] = sweep[0];
  await page.keyboard.type(run.slice(0, 8));
  await palette(page).getByRole("option", { selected: true }).filter({ hasText: run.slice(0, 8) }).click();
  await isAt(page, `#/experiments/${experiment}/runs/${run}`);

  await page.keyboard.press("Control+k");
  // At once, so that nothing is asked, and found, by the first letters alone.
  await page.keyboard.insertText("trash");
  await palette(page).getByRole("option", { name: "Trash", exact: true, selected: true }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.hash === "#/admin/trash");

  await page.keyboard.press("/");
  await page.keyboard.type("there is no such thing");
  await page.getByText("Nothing has such a name or id.").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await palette(page).count(), 0);
  assert.deepEqual(mistakes, []);
});

test("a run id or a link that is pasted into the search leads there, whatever experiment it names", async () => {
  const { page, mistakes } = await openExperiments();
  const [run, experiment] = sweep[0];
  const paste = async (text) => {
    await page.keyboard.press("Control+k");
    await palette(page).getByRole("combobox").evaluate((field, text) => {
      const data = new DataTransfer();
      data.setData("text/plain", text);
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, text);
  };
  await paste(run);
  await isAt(page, `#/experiments/${experiment}/runs/${run}`);
  await paste(`https://mlflow.example/x/#/experiments/99/runs/${run}/model-metrics`);
  await isAt(page, `#/experiments/${experiment}/runs/${run}/model-metrics`);
  await paste("f".repeat(32));
  await page.getByText("The run ffffffff cannot be shown").waitFor();
  assert.deepEqual(mistakes.filter((text) => !/status of 404/.test(text)), []);
});

test("the switcher leads to another experiment and says in which one is", async () => {
  const { page, mistakes } = await openExperiments();
  await page.getByRole("button", { name: "All experiments" }).click();
  await page.getByRole("combobox", { name: "Find an experiment" }).fill("crps");
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Enter");
  await isAt(page, `#/experiments/${experiments.get("ensemble/crps")}/runs`);
  await page.getByRole("banner").getByRole("button", { name: "ensemble/crps" }).waitFor();

  await page.getByRole("banner").getByRole("button", { name: "ensemble/crps" }).click();
  await page.getByRole("option", { name: "Runs of all experiments" }).click();
  await isAt(page, "#/runs");
  assert.deepEqual(mistakes, []);
});

test("the basket is kept over pages and visits, and can be cleared and given back", async () => {
  const { context, page, mistakes } = await openPage(browser);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const runs = sweep.slice(0, 2).map(([run]) => run);
  await page.goto(`${address}/#/runs`);
  await page.evaluate((runs) => localStorage.setItem("windvane.basket", JSON.stringify(runs)), runs);
  await page.reload();
  const basket = page.getByRole("button", { name: /^Basket/ });
  assert.equal(await basket.getAttribute("aria-label"), "Basket, 2 runs");

  await basket.click();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("button", { name: "Copy ids" }).click();
  await page.getByText("Copied 2 ids.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), runs.join("\n"));

  await basket.click();
  await page.getByRole("link", { name: "Compare" }).click();
  await isAt(page, "#/compare");
  assert.ok(decodeURIComponent(hash(page)).includes(runs.join(",")), hash(page));
  await page.goBack();
  await isAt(page, "#/runs");

  await basket.click();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("button", { name: "Basket, 0 runs" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Basket, 2 runs" }).waitFor();

  await basket.click();
  const listed = page.getByRole("list", { name: "Runs in the basket" }).getByRole("listitem");
  await listed.filter({ hasText: "aifs/sweep" }).nth(1).waitFor();
  await listed.filter({ hasText: sweep[0][3] }).getByRole("button", { name: /^Take/ }).click();
  await page.getByRole("button", { name: "Basket, 1 run", exact: true }).waitFor();
  assert.equal(await listed.count(), 1);
  assert.deepEqual(mistakes, []);
});

test("single keys work, are listed, wait while somebody types, and can be switched off", async () => {
  const { page, mistakes } = await openExperiments();
  await page.keyboard.press("?");
  const list = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await list.getByText("Go to the experiments").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Escape");
  const link = page.getByRole("link", { name: /Live/ }).first();
  await link.focus();
  await page.keyboard.press("?");
  await list.waitFor();
  await page.keyboard.press("Escape");
  await list.waitFor({ state: "detached" });
  assert.equal(await link.evaluate((element) => element === document.activeElement), true, "the focus goes back to where it was");

  await pressBoth(page, "g", "r");
  await isAt(page, "#/runs");
  await pressBoth(page, "g", "l");
  await page.waitForURL((url) => decodeURIComponent(url.hash) === "#/runs?q=attributes.status = 'RUNNING'");
  await pressBoth(page, "g", "e");
  await isAt(page, "#/experiments");

  const filter = page.getByRole("searchbox", { name: "Filter the experiments" });
  await filter.focus();
  await page.keyboard.type("?t");
  assert.equal(await filter.inputValue(), "?t");
  assert.equal(await list.count(), 0);
  await filter.fill("");
  await filter.blur();

  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("checkbox", { name: "Single-key shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Experiments" }).click();
  await page.keyboard.press("?");
  await page.keyboard.press("Control+k");
  await palette(page).waitFor();
  assert.equal(await list.count(), 0);
  assert.deepEqual(mistakes, []);
});

test("theme and time zone are chosen once", async () => {
  const { page, mistakes } = await openExperiments({ timezoneId: "Asia/Tokyo" });
  const time = rowOf(page, "aifs/sweep").locator("time");
  assert.match(await time.getAttribute("title"), /GMT\+9|JST/);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Dark" }).click();
  await page.getByRole("button", { name: "UTC" }).click();
  assert.deepEqual(await accessibilityFindings(page), []);
  assert.match(await time.getAttribute("title"), /UTC/);
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Settings");

  await page.reload();
  await rowOf(page, "aifs/sweep").waitFor();
  assert.match(await time.getAttribute("title"), /UTC/);
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  assert.equal(await scheme(), "dark");
  await page.keyboard.press("t");
  assert.equal(await scheme(), "light dark");
  assert.deepEqual(mistakes, []);
});

test("a server that is gone is told, with when it was there last, and what failed comes when it is back", async () => {
  const { page } = await openExperiments();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.route("**/api/windvane/v1/**", (route) => route.abort());
  await page.getByText(/^Connection lost, last update \d\d:\d\d\./).waitFor();
  await rowOf(page, "aifs/global").waitFor();
  const look = page.waitForEvent("requestfailed", (request) => request.url().includes("/changes"));
  await page.goto(`${address}/#/experiments?state=deleted`);
  await page.getByText("The trash cannot be shown:").waitFor();
  // The next one is ten seconds away, so that it is the button that finds the server.
  await look;

  await page.unroute("**/api/windvane/v1/**");
  await page.getByRole("button", { name: "Try now" }).click();
  await page.getByRole("region", { name: "Runs in the trash" }).waitFor();
  assert.equal(await page.getByText("Connection lost").count(), 0);
});

test("addresses without a screen say so and offer search; those of pages lead to them", async () => {
  const { page, mistakes } = await openPage(browser);
  await page.goto(`${address}/#/models/x`);
  await page.getByText("There is no such page.").waitFor();
  await titled(page, "No such page · Windvane");
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("main").getByRole("button", { name: "Search" }).click();
  await palette(page).waitFor();
  await page.keyboard.press("Escape");

  await page.goto(`${address}/#/login`);
  await page.waitForURL(`${address}/login`);
  assert.deepEqual(mistakes, []);
});

test("who must sign in comes back to the screen they wanted", async (t) => {
  const closed = await startServer(t, { alice: "Alice" });
  const { page } = await openPage(browser);
  await page.goto(`${closed}/#/experiments?state=deleted`);
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await signIn(page, "alice");
  await page.waitForURL(`${closed}/#/experiments?state=deleted`);
  await page.getByText("The trash is empty.").waitFor();
  await page.getByRole("button", { name: "Alice" }).click();
  await page.getByRole("banner").getByRole("link", { name: "Tokens and password" }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
});

test("a new screen begins at its top, and going back leads to where one was", async () => {
  const { page } = await openExperiments({ viewport: { width: 900, height: 240 } });
  await page.evaluate(() => scrollTo(0, 90));
  await rowOf(page, "aifs/sweep").getByRole("link", { name: "aifs/sweep" }).click();
  await isAt(page, `#/experiments/${experiments.get("aifs/sweep")}/runs`);
  assert.equal(await page.evaluate(() => scrollY), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});
