// Saved views and short links: what a screen shows, kept under a key.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeExperiment } from "./file_store.mjs";
import { IMG, WORD } from "./hostile.mjs";
import { ask, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, freshData, openPage, settled, startBrowser, startServer, startView, titled } from "./support.mjs";
import { as, openAs, startTeam } from "./team.mjs";

const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let browser;
/** An open server below a prefix, with an experiment of two runs. */
let address;
let experiment;
let runs;

before(async () => {
  browser = await startBrowser(shared);
  address = await startServer(shared, {}, ["--prefix", "/track"]);
  experiment = await makeExperiment(address, "aifs");
  runs = [];
  for (const name of ["one", "two"]) runs.push(await makeRun(address, experiment, { name, metrics: { loss: [0.5, 0.4] } }));
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** A page at a hash, whose browser lets it copy. */
async function open(t, hash, at = address) {
  const opened = await openPage(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  t.after(() => opened.context.close());
  await opened.page.goto(`${at}/${hash}`);
  return { ...opened, copied: () => opened.page.evaluate(() => navigator.clipboard.readText()) };
}

async function choose(page, menu, item) {
  await page.getByRole("button", { name: menu, exact: true }).click();
  await page.getByRole("button", { name: item, exact: true }).click();
}

/** Keeps what is shown under a name. */
async function save(page, name) {
  await choose(page, "Share", "Save as view…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
}

const keep = (view) => ask(address, "views", view);
const table = (state = "") => `#/experiments/${experiment}/runs${state}`;
/** What Chromium itself writes where the server refuses, as the tests want it. */
const unmeant = (mistakes) => mistakes.filter((text) => !/^Failed to load resource: .* status of 40[0-9]/.test(text));

test("what a table shows is kept under a name, listed, opened, changed and deleted", async (t) => {
  const { page, mistakes } = await open(t, table("?q=one&flat=1"));
  await page.getByRole("link", { name: "one", exact: true }).waitFor();
  await choose(page, "Share", "Save as view…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(IMG);
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Enter");
  await page.getByText(`Saved as “${IMG}”.`).waitFor();
  await page.waitForFunction((name) => document.title === `${name} · aifs · Windvane`, IMG);

  await page.goto(`${address}/${table()}`);
  await page.getByRole("link", { name: "two", exact: true }).waitFor();
  await page.waitForFunction(() => document.title === "aifs · Windvane");
  await page.getByRole("button", { name: "Views" }).click();
  const list = page.getByRole("list", { name: "Saved views" });
  await list.getByTitle(IMG).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await list.getByRole("link").click();
  await page.waitForURL(`${address}/${table("?q=one&flat=1")}`);
  await page.waitForFunction((name) => document.title === `${name} · aifs · Windvane`, IMG);
  await page.getByRole("link", { name: "two", exact: true }).waitFor({ state: "detached" });
  // What led here is no entry of its own.
  await page.goBack();
  await page.waitForURL(`${address}/${table()}`);

  await page.getByRole("button", { name: "Flat" }).click();
  await save(page, IMG);
  const { views } = await ask(address, `views?experiment_id=${experiment}`);
  assert.deepEqual(views.map(({ name, address: place }) => [name, place]), [[IMG, table("?flat=1")]]);

  await page.getByRole("button", { name: "Views" }).click();
  await list.getByRole("button", { name: "Delete" }).click();
  await list.getByRole("button", { name: "Really delete" }).click();
  await page.getByText("No view has been saved here.").waitFor();
  await settled(page);
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.keyboard.press("Escape");
  await page.getByText("No view has been saved here.").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Views");
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("a name that the server refuses is told beside the field", async (t) => {
  const { page, mistakes } = await open(t, table());
  await choose(page, "Share", "Save as view…");
  const field = page.getByRole("dialog").getByLabel("Name");
  await field.fill("\u0007bell");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").locator(".refusal:not(:empty)").first().waitFor();
  assert.equal(await field.inputValue(), "\u0007bell");
  assert.deepEqual(unmeant(mistakes), []);
});

test("a short link is copied, is the same for the same place, and leads there", async (t) => {
  const { page, copied, mistakes } = await open(t, `#/experiments/${experiment}/runs/${runs[0]}/model-metrics?y=log`);
  await choose(page, "Share", "Copy short link");
  await page.getByText("The short link is copied.").waitFor();
  const link = await copied();
  assert.match(link, new RegExp(`^${address}/#/views/[a-z0-9]{8}$`));
  await page.getByRole("button", { name: "Dismiss" }).click();
  await choose(page, "Share", "Copy short link");
  await page.getByText("The short link is copied.").waitFor();
  assert.equal(await copied(), link);

  await page.goto(link);
  await page.waitForURL(`${address}/#/experiments/${experiment}/runs/${runs[0]}/model-metrics?y=log`);
  await page.goto(`${address}/#/compare?runs=${runs.join()}`);
  await choose(page, "Share", "Copy link");
  await page.getByText("The link is copied.").waitFor();
  assert.equal(await copied(), `${address}/#/compare?runs=${runs.join()}`);
  assert.deepEqual(mistakes, []);
});

test("a link that is too long for other programs is copied as a short one", async (t) => {
  const long = table(`?q=params.note%20=%20'${WORD.slice(0, 3_000)}'`);
  const { page, copied, mistakes } = await open(t, long);
  await page.getByText("The filter hides").waitFor();
  // Whether views can be kept, and links made short, is answered apart from the runs.
  await page.getByRole("button", { name: "Views" }).waitFor();
  await page.keyboard.press("y");
  await page.getByText("The short link is copied.").waitFor();
  await page.goto(await copied());
  await page.waitForFunction((hash) => location.hash === hash, long);

  // Where it cannot be kept, the long one is better than none.
  await page.route("**/views", (route) => route.fulfill({ status: 503, contentType: "application/json", body: `{"message":"busy"}` }));
  await page.getByRole("main").click({ position: { x: 5, y: 5 } });
  await page.keyboard.press("y");
  await page.getByText("The link is copied.").waitFor();
  assert.equal(await copied(), `${address}/${long}`);
  assert.deepEqual(mistakes.filter((text) => !/status of 503/.test(text)), []);
});

test("the palette finds saved views", async (t) => {
  await keep({ address: table("?flat=1"), name: "best of spring", experiment_id: experiment });
  const { page, mistakes } = await open(t, "#/");
  await page.getByRole("link", { name: "aifs" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  await page.keyboard.type("of spring");
  await page.getByRole("option", { name: "best of spring" }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.getByRole("option", { name: "best of spring" }).click();
  await page.waitForURL(`${address}/${table("?flat=1")}`);
  await page.waitForFunction(() => document.title === "best of spring · aifs · Windvane");
  assert.deepEqual(mistakes, []);
});

test("a view that is not there, or leads nowhere, says so and offers search", async (t) => {
  const { key: nowhere } = await keep({ address: "#/models/x" });
  const { key: first } = await keep({ address: "#/views/aaaaaaaa" });
  const { page, mistakes } = await open(t, "#/views/zzzzzzzz");
  for (const key of ["zzzzzzzz", nowhere, first]) {
    await page.goto(`${address}/#/views/${key}`);
    await page.getByText(key).waitFor();
    await page.getByText("There is no such view.").waitFor();
    await titled(page, "No such view · Windvane");
    assert.deepEqual(await accessibilityFindings(page), []);
  }
  await page.getByRole("main").getByRole("button", { name: "Search" }).click();
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  assert.deepEqual(unmeant(mistakes), []);
});

test("a view is seen by who sees its experiment, and deleted by who made it", async (t) => {
  const team = await startTeam(t);
  const { aifs, ocean } = team.experiments;
  const grant = (experiment_id) => as(team.address, "ada", "PUT", "api/windvane/v1/roles", { principal: "rita", role: "reader", experiment_id });
  await grant(aifs);
  const make = (user, name, experiment_id) => as(team.address, user, "POST", "api/windvane/v1/views", { address: `#/experiments/${experiment_id}/runs?flat=1`, name, experiment_id });
  await make("ada", "of ada", aifs);
  await make("rita", "of rita", aifs);
  const secret = await make("ada", "of the sea", ocean);

  const { page, mistakes } = await openAs(t, browser, team.address, "rita", `#/experiments/${aifs}/runs`);
  await page.getByRole("button", { name: "Views" }).click();
  const entries = page.getByRole("list", { name: "Saved views" }).getByRole("listitem");
  await entries.filter({ hasText: "of ada" }).waitFor();
  assert.equal(await entries.count(), 2);
  assert.equal(await entries.filter({ hasText: "of ada" }).getByRole("button").count(), 0);
  await entries.filter({ hasText: "of rita" }).getByRole("button", { name: "Delete" }).click();
  await entries.getByRole("button", { name: "Really delete" }).click();
  await entries.filter({ hasText: "of rita" }).waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "of ada", "the focus goes to the next view");

  await page.goto(`${team.address}/#/views/${secret.key}`);
  await page.getByText("There is no such view.").waitFor();
  assert.deepEqual(unmeant(mistakes), []);
});

test("who must sign in for a view comes back to it", async (t) => {
  const team = await startTeam(t);
  const { aifs } = team.experiments;
  const { key } = await as(team.address, "ada", "POST", "api/windvane/v1/views", { address: `#/experiments/${aifs}/runs?flat=1`, name: "a", experiment_id: aifs });
  const { page } = await openPage(browser);
  t.after(() => page.context().close());
  await page.goto(`${team.address}/#/views/${key}`);
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Name", { exact: true }).fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${team.address}/#/experiments/${aifs}/runs?flat=1`);
});

test("in a read-only view a link can be copied and nothing kept", async (t) => {
  const store = join(await freshData(t), "mlruns");
  await mkdir(store, { recursive: true });
  await writeExperiment(store, "412345678901234567", "aifs");
  const view = await startView(t, store);
  const { page, copied, mistakes } = await open(t, "#/runs", view);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Copy link" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /short link|Save as view|^Views/ }).count(), 0);
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("The link is copied.").waitFor();
  assert.equal(await copied(), page.url());
  assert.deepEqual(mistakes, []);
});
