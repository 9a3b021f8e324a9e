// The list of experiments: what it tells, how it is ordered, and what is done there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessibilityFindings, openPage, startBrowser, startDemo, startServer, titled } from "./support.mjs";

const HOSTILE = `"><img src=x onerror="document.title='owned'">`;

const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let demo;
let browser;

before(async () => {
  demo = await startDemo(shared);
  browser = await startBrowser(shared);
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** The screen of experiments in a browser of its own kind. */
async function open(address, place = "", options = {}) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${address}/${place}`);
  await opened.page.getByRole("heading", { name: "Experiments", exact: true }).waitFor();
  return opened;
}

/** Makes experiments of these names on a fresh server; their ids. */
async function create(address, ...names) {
  const ids = [];
  for (const name of names) {
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name }) };
    const answer = await fetch(`${address}/api/2.0/mlflow/experiments/create`, options);
    assert.equal(answer.status, 200, await answer.clone().text());
    ids.push((await answer.json()).experiment_id);
  }
  return ids;
}

const rowOf = (page, name) => page.getByRole("row").filter({ has: page.getByRole("rowheader").getByTitle(name, { exact: true }) });
const names = (page) => page.locator(".row-name").evaluateAll((found) => found.map((name) => name.textContent));
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);

/** Waits until the table lists exactly these. */
async function lists(page, ...wanted) {
  await page.waitForFunction(
    (wanted) => JSON.stringify([...document.querySelectorAll(".row-name")].map((name) => name.textContent)) === wanted,
    JSON.stringify(wanted),
  );
}

test("the table tells of each experiment, the latest first, and has no fault", async () => {
  const { page, mistakes } = await open(demo);
  const row = rowOf(page, "aifs/global");
  await row.waitFor();
  assert.match(await row.innerText(), /team: global/);
  assert.match(await row.innerText(), /Global forecasts at O96 with a graph transformer/);
  assert.match(await row.innerText(), /ada/);
  assert.match(await row.locator("td.col-size").innerText(), /B$/);
  assert.match(await row.locator("td.col-runs").innerText(), /^\d+$/);
  await titled(page, "Experiments · Windvane");
  const times = await page.locator("td.col-activity time").evaluateAll((found) => found.map((time) => time.dateTime));
  assert.deepEqual(times, times.toSorted().toReversed());
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await accessibilityFindings(page), [], colorScheme);
  }
  assert.deepEqual(mistakes, []);
});

test("a click on a column orders by it, the address says so, and back undoes it", async () => {
  const { page } = await open(demo);
  const head = page.getByRole("columnheader", { name: "Runs" });
  await head.getByRole("button").click();
  await page.waitForURL((url) => url.hash === "#/experiments?sort=-runs");
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  assert.equal((await names(page))[0], "aifs/sweep");
  await head.getByRole("button").click();
  await page.waitForURL((url) => url.hash === "#/experiments?sort=runs");
  assert.equal((await names(page)).at(-1), "aifs/sweep");
  await page.goBack();
  await page.waitForURL((url) => url.hash === "#/experiments?sort=-runs");
  await page.reload();
  await rowOf(page, "aifs/sweep").waitFor();
  assert.equal((await names(page))[0], "aifs/sweep");
});

test("the filter keeps each key and each space, from the moment in which it is there", async () => {
  const { page, mistakes } = await open(demo);
  await page.goto(`${demo}/#/runs`);
  await page.getByRole("heading", { name: /^Runs of/ }).waitFor({ state: "attached" });
  const filter = page.getByRole("searchbox", { name: "Filter the experiments" });
  // Before the browser drew it, which is before anything that waits for that.
  await page.evaluate(() => {
    new MutationObserver((_, watch) => {
      const box = document.querySelector("input[aria-label='Filter the experiments']");
      if (box === null) return;
      watch.disconnect();
      box.value = "tru";
      box.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }).observe(document.body, { childList: true, subtree: true });
    location.hash = "#/experiments";
  });
  await filter.waitFor();
  await filter.press("End");
  await filter.pressSequentially("th ");
  await page.waitForURL((url) => url.hash === "#/experiments?q=truth");
  assert.equal(await filter.inputValue(), "truth ");
  await filter.pressSequentially("x");
  await page.waitForURL((url) => decodeURIComponent(url.hash) === "#/experiments?q=truth x");
  assert.deepEqual(mistakes, []);
});

test("the filter looks in names, users and tags, stands in the address, and says what it hides", async () => {
  const { page, mistakes } = await open(demo);
  const filter = page.getByRole("searchbox", { name: "Filter the experiments" });
  await filter.fill("TEAM: GLOBAL");
  await page.getByText("No experiment fits the filter.").waitFor();
  await page.getByText(/It hides \d+ experiments\./).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await rowOf(page, "truth").waitFor();
  assert.equal(await filter.inputValue(), "");

  await filter.fill("team=global");
  await lists(page, "aifs/global");
  assert.equal(hash(page), "#/experiments?q=team=global");
  await page.reload();
  await lists(page, "aifs/global");
  assert.equal(await filter.inputValue(), "team=global");
  assert.deepEqual(mistakes, []);
});

test("names with slashes are a tree on demand, of which a part can be opened and linked to", async () => {
  const { page, mistakes } = await open(demo);
  await rowOf(page, "aifs/global").waitFor();
  await page.getByRole("button", { name: "Tree" }).click();
  const folder = page.getByRole("button", { name: "aifs/" });
  assert.equal(await folder.getAttribute("aria-expanded"), "false");
  assert.ok(!(await names(page)).includes("global"));
  await folder.click();
  await page.getByRole("link", { name: "global", exact: true }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.reload();
  await page.getByRole("link", { name: "global", exact: true }).waitFor();
  // The number beside a folder opens all that is in it.
  await page.getByRole("row").filter({ has: folder }).getByTitle("Open the runs of all of them together").click();
  await page.waitForURL(/#\/experiments\/\d+,\d+\/runs/);
  assert.deepEqual(mistakes, []);
});

test("the counts of an experiment lead to the runs that they count", async () => {
  const { page, mistakes } = await open(demo);
  await rowOf(page, "aifs/global").getByRole("link", { name: "4 running" }).click();
  await page.getByText("4 runs match").waitFor();
  assert.match(hash(page), /attributes.status = 'RUNNING'/);
  assert.deepEqual(mistakes, []);
});

test("a star keeps an experiment on top in this browser", async () => {
  const { page } = await open(demo, "#/experiments?sort=name");
  await rowOf(page, "truth").getByRole("button", { name: "Keep truth on top" }).click();
  await page.waitForFunction(() => document.querySelector(".row-name").textContent === "truth");
  await page.reload();
  await page.waitForFunction(() => document.querySelector(".row-name")?.textContent === "truth");
  assert.equal(await rowOf(page, "truth").getByRole("button", { name: "Keep truth on top" }).getAttribute("aria-pressed"), "true");
});

test("several are selected, also as a range and by the keyboard, and their runs opened together", async () => {
  const { page, mistakes } = await open(demo, "#/experiments?sort=name");
  await rowOf(page, "truth").waitFor();
  const all = await names(page);
  await page.getByRole("checkbox", { name: `Select ${all[0]}` }).click();
  await page.getByRole("checkbox", { name: `Select ${all[2]}` }).click({ modifiers: ["Shift"] });
  await page.getByText("3 experiments selected").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.reload();
  await page.getByText("3 experiments selected").waitFor();

  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), all[0]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press(" ");
  await page.getByText("2 experiments selected").waitFor();
  await page.keyboard.press("k");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), all[0]);

  await page.getByRole("link", { name: "Open their runs together" }).click();
  await page.waitForURL(/#\/experiments\/\d+,\d+\/runs/);
  assert.deepEqual(mistakes, []);
});

test("an experiment is made, renamed, described, deleted, given back and restored", async (t) => {
  const address = await startServer(t);
  const { page, mistakes } = await open(address);
  await page.getByRole("button", { name: "New experiment" }).waitFor();
  await page.keyboard.press("n");
  await page.getByRole("dialog", { name: "New experiment" }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("textbox", { name: /^Name/ }).fill(HOSTILE);
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/experiments\/\d+\/runs/);
  await page.goto(`${address}/#/experiments`);
  await rowOf(page, HOSTILE).waitFor();

  const act = async (name, what) => {
    await rowOf(page, name).getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("button", { name: what }).click();
  };
  await act(HOSTILE, "Rename");
  await page.getByRole("textbox", { name: /^Name/ }).fill("Default");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText(/exists already/).waitFor();
  await page.getByRole("textbox", { name: /^Name/ }).fill("ocean");
  await page.keyboard.press("Enter");
  await rowOf(page, "ocean").waitFor();

  await act("ocean", "Describe");
  await page.getByLabel("Description, in Markdown").fill("# Waves\n\n**Bold** [out](javascript:alert(1)) [web](https://a.example) <b>raw</b>");
  const preview = page.getByRole("region", { name: "Preview" });
  await preview.getByRole("heading", { name: "Waves" }).waitFor();
  await preview.getByText("<b>raw</b>").waitFor();
  assert.deepEqual(await preview.getByRole("link").allTextContents(), ["web"]);
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("button", { name: "Save" }).click();
  await rowOf(page, "ocean").getByRole("button", { name: "Waves" }).waitFor();

  await act("ocean", "Move to the trash");
  await page.getByText("Moved ocean to the trash.").waitFor();
  await rowOf(page, "ocean").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await rowOf(page, "ocean").waitFor();
  await act("ocean", "Move to the trash");
  await page.getByText("Moved ocean to the trash.").waitFor();

  await page.getByRole("link", { name: "Trash" }).click();
  await rowOf(page, "ocean").waitFor();
  await titled(page, "Trash · Windvane");
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("button", { name: "Restore ocean" }).click();
  await page.getByText("The trash is empty.").waitFor();
  await page.getByRole("main").getByRole("link", { name: "All experiments" }).click();
  await rowOf(page, "ocean").waitFor();
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes.filter((text) => !/status of 400/.test(text)), []);
});

test("an empty server says how to log the first run, with the address by which it was reached", async (t) => {
  const address = await startServer(t, {}, ["--prefix", "/track"]);
  const { page, mistakes } = await open(address);
  await page.getByText("No run has been logged yet.").waitFor();
  await page.getByText(`export MLFLOW_TRACKING_URI=${address}`, { exact: true }).waitFor();
  await page.getByText(`tracking_uri: ${address}`).waitFor();
  await page.getByText(`windvane sync --source DIR --destination ${address}`, { exact: true }).waitFor();
  await page.getByRole("button", { name: "Copy the line for runs that were logged offline" }).waitFor();
  await page.getByText("windvane demo").waitFor();
  assert.equal(await page.getByText("MLFLOW_TRACKING_TOKEN").count(), 0);
  assert.deepEqual(await accessibilityFindings(page), []);
  assert.deepEqual(mistakes, []);
});

test("when all experiments are in the trash the page says where they are", async (t) => {
  const address = await startServer(t);
  const { page } = await open(address);
  await page.getByRole("button", { name: "Actions for Default" }).click();
  await page.getByRole("button", { name: "Move to the trash" }).click();
  await page.getByText("1 experiment is").waitFor();
  await page.getByRole("link", { name: "in the trash", exact: true }).click();
  await rowOf(page, "Default").waitFor();
});

test("what another window does appears by itself", async (t) => {
  const address = await startServer(t);
  const { page } = await open(address);
  await rowOf(page, "Default").waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await create(address, "from elsewhere");
  await rowOf(page, "from elsewhere").waitFor();
});

test("an answer that fails says why in its place and can be asked for again", async () => {
  const { page } = await openPage(browser);
  await page.route("**/api/windvane/v1/experiments?*", (route) => route.fulfill({ status: 503, json: { message: "the database is busy" }, headers: { "x-request-id": "r-1" } }));
  await page.goto(`${demo}/`);
  await page.getByText("The experiments cannot be shown: the database is busy").waitFor();
  await page.getByText("status 503 · request r-1").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.unroute("**/api/windvane/v1/experiments?*");
  await page.getByRole("button", { name: "Retry" }).click();
  await rowOf(page, "aifs/global").waitFor();
});

test("many experiments are drawn in parts", async (t) => {
  const address = await startServer(t);
  await create(address, ...Array.from({ length: 310 }, (_, index) => `experiment ${index}`));
  const { page } = await open(address, "#/experiments?sort=name");
  await rowOf(page, "experiment 0").waitFor();
  assert.equal((await names(page)).length, 300);
  await page.getByRole("button", { name: "Show 11 more lines" }).click();
  await rowOf(page, "experiment 309").waitFor();
});
