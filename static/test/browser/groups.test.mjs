// Runs in groups, in a real browser against the real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IMG, SCRIPT, UNSEEN, WORD } from "./hostile.mjs";
import { makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, startBrowser, startPortal, startServer } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
const HOSTILE = `${IMG}${SCRIPT}${UNSEEN}, it's`;
let address;
let browser;
let experiment;
let many;

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "sweep");
  const add = (name, lr, loss, more = {}) => makeRun(address, experiment, { name, params: lr === null ? {} : { lr }, metrics: { val_loss: [9, loss], accuracy: [0.5] }, ...more });
  for (let place = 0; place < 12; place += 1) await add(`small ${place}`, "1e-5", 0.1 + place / 100, { user: "grace" });
  for (let place = 0; place < 3; place += 1) await add(`large ${place}`, "1e-3", place === 2 ? "NaN" : 0.5 + place / 10, { status: "FAILED" });
  await add("odd", HOSTILE, 0.7);
  await add("long", WORD.slice(0, 5_000), 0.9);
  await add("bare", null, 0.8);
  many = await makeExperiment(address, "many");
  for (let place = 0; place < 60; place += 1) await makeRun(address, many, { name: `run ${place}`, params: { seed: place } });
});

after(async () => {
  for (const end of shared.ends) await end();
});

async function open(state, { where = address, of = experiment, ...options } = {}) {
  const { context, page, mistakes } = await openPage(browser, { viewport: { width: 1280, height: 900 }, ...options });
  await page.goto(`${where}/#/experiments/${of}/runs${state}`);
  const grid = page.getByRole("treegrid", { name: "Runs by" });
  const group = (name) => grid.locator("tbody tr[aria-level='1']").filter({ has: page.locator("th").getByText(name, { exact: true }) });
  const names = () => grid.locator("tbody tr[aria-level='1'] th").evaluateAll((heads) => heads.map((head) => head.innerText.replace(/\s*Compare$/, "").trim()));
  /** Waits for the metrics of the groups by `lr`: which there are may be known later than the groups. */
  const measured = () => group("1e-5").getByText("0.155", { exact: true }).waitFor();
  const done = async () => {
    assert.deepEqual(mistakes, []);
    assert.equal(await page.evaluate(() => "hacked" in window), false);
    await context.close();
  };
  return { page, grid, group, names, measured, done };
}

test("runs are grouped by a param that is chosen in the toolbar, and the address says so", async () => {
  const { page, grid, group, measured, done } = await open("");
  await page.getByRole("button", { name: "Group" }).click();
  await page.getByLabel("Search params and tags").fill("lr");
  await page.getByRole("button", { name: "lr 17 runs" }).click();
  await grid.waitFor();
  assert.match(page.url(), /[?&]group=params\.lr/);
  await page.getByRole("status").getByText("5 groups by lr").waitFor();
  await measured();
  const cells = async (name) => (await group(name).getByRole("gridcell").allInnerTexts()).map((text) => text.trim());
  assert.equal((await cells("1e-5"))[0], "12");
  assert.match((await cells("1e-5"))[1], /^0\.155\s+0\.1–0\.21$/);
  assert.match((await cells("1e-3"))[1], /^0\.55\s+0\.5–0\.6\s+1 NaN$/, "NaN is no part of the mean, and told");
  assert.equal((await cells("not set"))[0], "1");
  assert.match(await grid.getByRole("columnheader").nth(2).innerText(), /mean, least to greatest$/);
  const edges = await grid.locator("tbody tr[aria-level='1'] td:nth-of-type(2) .spread > :first-child").evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().right)));
  assert.equal(new Set(edges).size, 1, "means stand below each other");
  await page.reload();
  await group("1e-5").waitFor();
  await page.getByRole("button", { name: "Grouped" }).click();
  await page.getByRole("button", { name: "Not grouped" }).click();
  await page.getByRole("treegrid", { name: "Runs", exact: true }).waitFor();
  assert.doesNotMatch(page.url(), /group=/);
  await done();
});

test("a group opens to its first runs, and its name is the table with these alone", async () => {
  const { page, grid, group, done } = await open("?group=params.lr&q=small+OR");
  await page.goto(`${address}/#/experiments/${experiment}/runs?group=params.lr`);
  await group("1e-5").getByRole("button", { name: "Open" }).click();
  await grid.getByRole("link", { name: "All 12 runs" }).waitFor();
  assert.equal(await grid.locator("tr[aria-level='2'] th").count(), 10);
  await page.reload();
  await grid.getByRole("link", { name: "All 12 runs" }).waitFor();
  await group("1e-5").getByRole("link").click();
  const table = page.getByRole("treegrid", { name: "Runs", exact: true });
  await table.waitFor();
  await page.getByText("12 runs match").waitFor();
  assert.match(decodeURIComponent(page.url()), /q=params\.lr = '1e-5'$/);
  await page.goBack();
  await group("not set").getByRole("link").click();
  await table.getByRole("link", { name: "bare" }).waitFor();
  await page.getByText("1 run matches").waitFor();
  assert.match(decodeURIComponent(page.url()), /q=params\.lr IS NULL$/);
  await done();
});

test("a filter counts, and stays in the way to the runs", async () => {
  const { page, grid, group, names, done } = await open("?group=status&q=small");
  await group("Finished").waitFor();
  assert.deepEqual(await names(), ["Finished"]);
  await group("Finished").getByRole("link").click();
  await page.getByText("12 runs match").waitFor();
  await page.goto(`${address}/#/experiments/${experiment}/runs?group=status&q=nothing`);
  await page.getByText("No run matches.").waitFor();
  assert.equal(await grid.count(), 0);
  await done();
});

test("groups are sorted by how many they are, their name, and the mean of a metric", async () => {
  const { page, grid, group, names, done } = await open("?group=params.lr&cols=name,metrics.val_loss,metrics.accuracy");
  await group("1e-5").waitFor();
  assert.equal((await names())[0], "1e-5", "the largest first");
  const head = (name) => grid.getByRole("columnheader", { name });
  const sorted = async (name, direction) => {
    await head(name).getByRole("button").click();
    await page.waitForFunction((wanted) => document.querySelector(`.groups:not(.stale) th[aria-sort="${wanted}"]`)?.innerText, direction);
    assert.equal(await head(name).getAttribute("aria-sort"), direction);
  };
  await sorted("val_loss", "ascending");
  await page.waitForFunction(() => document.querySelector(".groups:not(.stale) tbody th")?.innerText.startsWith("1e-5"));
  assert.match(page.url(), /sort=metrics\.val_loss/);
  await sorted("val_loss", "descending");
  await page.waitForFunction(() => !document.querySelector(".groups:not(.stale) tbody th")?.innerText.startsWith("1e-5"));
  await sorted("lr", "ascending");
  await page.waitForFunction(() => document.querySelectorAll(".groups:not(.stale) tbody tr").length === 5);
  const texts = (await names()).filter((name) => /^1e-/.test(name));
  assert.deepEqual(texts, ["1e-3", "1e-5"]);
  await done();
});

test("a group is compared", async () => {
  const { page, group, done } = await open("?group=user");
  await group("grace").getByRole("button", { name: "Compare" }).click();
  await page.getByRole("heading", { name: "Compare 12 runs" }).waitFor();
  await done();
});

test("the keys of a tree grid work, and the focus is kept", async () => {
  const { page, grid, group, done } = await open("?group=params.lr");
  await group("1e-5").waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.querySelector("th, td")?.innerText.replace(/\s*Compare$/, "").trim());
  await group("1e-5").focus();
  await page.keyboard.press("ArrowRight");
  await grid.getByRole("link", { name: "All 12 runs" }).waitFor();
  assert.equal(await group("1e-5").getAttribute("aria-expanded"), "true");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^small \d+$/);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await focused(), "1e-5");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await group("1e-5").getAttribute("aria-expanded"), "false");
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  assert.equal(await focused(), "1e-5");
  await page.keyboard.press("Enter");
  await page.getByText("12 runs match").waitFor();
  await done();
});

test("values of people with bad intentions are texts, and lead to their runs", async () => {
  const { page, grid, names, done } = await open("?group=params.lr");
  await grid.waitFor();
  assert.ok((await names()).some((name) => name.includes("<img src=x")));
  assert.equal(await grid.locator("img, script").count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  const row = grid.locator("tr[aria-level='1']", { hasText: "<img src=x" });
  // A value with both kinds of quotes cannot be said in a filter, so it is no link.
  assert.equal(await row.getByRole("link").count(), 0);
  await grid.locator("tr[aria-level='1']", { hasText: "wwwww" }).getByRole("link").click();
  await page.getByText("1 run matches").waitFor();
  await page.goto(`${address}/#/experiments/${experiment}/runs?group=%3Cimg%3E`);
  await page.getByText("Runs cannot be grouped by <img>.").waitFor();
  await page.getByRole("button", { name: "Show the runs" }).click();
  await page.getByRole("treegrid", { name: "Runs", exact: true }).waitFor();
  await done();
});

test("many groups are shown some at a time", async () => {
  const { page, grid, done } = await open("?group=params.seed", { of: many });
  await page.getByText("60 groups by seed").waitFor();
  assert.equal(await grid.locator("tr[aria-level='1']").count(), 50);
  await page.getByRole("button", { name: "Show 10 more of 60" }).click();
  await page.waitForFunction(() => document.querySelectorAll("tr[aria-level='1']").length === 60);
  await done();
});

test("groups change when runs are made", async () => {
  const { page, group, done } = await open("?group=params.live");
  await group("not set").waitFor();
  // What comes before the first look is not told.
  await page.getByText("Live", { exact: true }).first().waitFor();
  await makeRun(address, experiment, { name: "new", params: { live: "yes" } });
  await group("yes").waitFor();
  await done();
});

test("groups are read by everybody, in both themes, on a telephone, and below a path", async () => {
  const portal = `http://127.0.0.1:${await startPortal(shared, address, "/node/1")}/node/1`;
  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 390, height: 844 }, where: portal }]) {
    const { page, group, measured, done } = await open("?group=params.lr", options);
    await group("1e-5").getByRole("button", { name: "Open" }).click();
    await page.getByRole("link", { name: "All 12 runs" }).waitFor();
    await measured();
    assert.deepEqual(await accessibilityFindings(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await done();
  }
});
