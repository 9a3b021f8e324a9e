// The table of runs in a real browser, against the real server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { call, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, startBrowser, startServer } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
/** Ids by name: of experiments, and of runs (the last of a name). */
const experiments = {};
const runs = {};

const HOUR = 3_600_000;
const HOSTILE = `<img src=x onerror="document.title='owned'">`;
const NOW = Date.now();

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  for (const name of ["aifs", "other", "empty", "thrown away", "many", "changing", "sweep"]) experiments[name] = await makeExperiment(address, name);
  await seedStory();
  const gone = await forEachOf([0, 1], (place) => add("thrown away", { name: `gone ${place}` }));
  for (const run of gone) await call(address, "runs/delete", { run_id: run });
  await add("other", { name: "elsewhere", metrics: { val_loss: [0.4] } });
  await forEachOf(Array.from({ length: 1_000 }), (_, place) => add("many", { name: `run ${place}`, start: NOW - place * HOUR }));
});

after(async () => {
  for (const end of shared.ends) await end();
});

async function add(experiment, run) {
  return (runs[run.name] = await makeRun(address, experiments[experiment], run));
}

/** A training of three attempts and its fork, a sweep with one run two levels deeper, a run whose parent is gone, and others. */
async function seedStory() {
  const params = (lr, channels) => ({ "config.training.lr.rate": lr, "config.model.num_channels": channels, "config.training.max_steps": "1000" });
  const loss = (last) => ({ val_loss: [last + 1, last + 0.5, last], "lr-AdamW": [3e-4, 2e-4, 1e-4] });
  const first = await add("aifs", { name: "control", params: params("1e-4", 512), metrics: loss(0.3), start: NOW - 90 * HOUR, status: "KILLED" });
  for (const later of [80, 70]) {
    const tags = { "mlflow.parentRunId": first, resumedRun: "True" };
    await add("aifs", { name: "control", params: { ...params("1e-4", 512), "config.training.run_id": first }, tags, metrics: loss(0.2), start: NOW - later * HOUR });
  }
  const fork = { forkedRun: "True", forkedRunId: first, "mlflow.note.content": "Half the rate,\nsince it went up." };
  await add("aifs", { name: "fork", params: params("5e-5", 512), tags: fork, metrics: loss(0.1), start: NOW - 60 * HOUR, user: "grace" });
  await add("aifs", { name: "lost fork", tags: { forkedRun: "True", forkedRunId: "f".repeat(32) }, start: NOW - 59 * HOUR });
  await add("aifs", { name: "silent", params: params("1e-3", 1024), metrics: loss(0.4), start: NOW - 3 * HOUR, status: "RUNNING" });
  await add("aifs", { name: "broken", metrics: { val_loss: [0.5, "NaN"] }, tags: { hpc: "lumi" }, start: NOW - 50 * HOUR, status: "FAILED" });
  const sweep = await add("aifs", { name: "sweep", start: NOW - 40 * HOUR });
  for (const place of [0, 1, 2]) {
    await add("aifs", { name: `member ${place}`, tags: { "mlflow.parentRunId": sweep }, metrics: loss(0.6 + place), start: NOW - (39 - place) * HOUR });
  }
  await add("aifs", { name: "deep", tags: { "mlflow.parentRunId": runs["member 1"] }, start: NOW - 30 * HOUR });
  await add("aifs", { name: "parent", start: NOW - 29 * HOUR });
  await add("aifs", { name: "orphan", tags: { "mlflow.parentRunId": runs.parent }, start: NOW - 28 * HOUR });
  await call(address, "runs/delete", { run_id: runs.parent });
  await add("aifs", { name: HOSTILE, params: { [`a b/c`]: HOSTILE }, tags: { "mlflow.note.content": HOSTILE }, start: NOW - 20 * HOUR });
}

/** The table of an experiment, once its first rows are there. */
async function open(experiment, state = "", options = {}) {
  const opened = await openPage(browser, { viewport: { width: 1280, height: 800 }, ...options });
  await opened.page.goto(`${address}/#/experiments/${experiments[experiment]}/runs${state}`);
  return { ...opened, ...partsOf(opened.page) };
}

function partsOf(page) {
  const grid = page.getByRole("treegrid", { name: "Runs" });
  const row = (name) => grid.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  return {
    grid,
    row,
    /** A cell of a row by what stands above its column. */
    cell: async (name, column) => {
      const heads = (await grid.getByRole("columnheader").allInnerTexts()).map((text) => text.replace(/[\n↓↑\d]+$/g, "").trim());
      return row(name).getByRole("gridcell").nth(heads.indexOf(column) - 1);
    },
    search: page.getByRole("combobox", { name: "Search runs" }),
    total: page.locator(".runs-total"),
    toolbar: page.getByRole("toolbar"),
    notice: page.locator(".notice"),
  };
}

/** The names of the rows from the top, as far as they are made. */
async function names(page) {
  await page.waitForFunction(() => document.querySelector(".awaited, .runs-grid.stale, .skeleton") === null && document.querySelector(".grid-row") !== null);
  const found = await page.locator(".grid-row").evaluateAll((rows) => rows.map((row) => [Number(row.dataset.index), row.querySelector(".run-link").textContent]));
  return found.sort(([one], [other]) => one - other).map(([, name]) => name);
}

/** Waits until the names of the rows are these. */
async function shows(page, expected) {
  await page.waitForFunction(
    (wanted) => {
      const rows = [...document.querySelectorAll(".grid-row")].sort((one, other) => one.dataset.index - other.dataset.index);
      return document.querySelector(".stale") === null && rows.map((row) => row.querySelector(".run-link")?.textContent).join("\n") === wanted;
    },
    expected.join("\n"),
  ).catch(async () => assert.deepEqual(await names(page), expected));
}

/** What the address says of the screen. */
function state(page) {
  return Object.fromEntries(new URLSearchParams(page.url().split("?")[1] ?? ""));
}

const TOP = [HOSTILE, "orphan", "sweep", "broken", "lost fork", "fork", "control"];
const ALL = ["silent", ...TOP];

test("a training is one row, what is nested lies beneath its parent, and totals are exact", async () => {
  const { page, mistakes, row, cell, total, grid } = await open("aifs");

  await shows(page, ALL);
  assert.equal(await total.innerText(), "14 runs, 12 trainings");
  assert.equal(await grid.getAttribute("aria-rowcount"), String(ALL.length + 1));
  assert.match(await row("control").innerText(), /×3/);
  assert.match(await row("sweep").innerText(), /3 children/);
  assert.match(await row("orphan").innerText(), /parent deleted/);
  assert.match(await row("lost fork").innerText(), /origin not here/);
  assert.equal(await (await cell("control", "val_loss")).innerText(), "0.2");
  assert.equal(await (await cell("lost fork", "val_loss")).innerText(), "", "what is missing is blank");
  assert.equal(await (await cell("broken", "val_loss")).innerText(), "NaN");
  assert.deepEqual(mistakes, []);
});

test("rows open at any depth, and are open again after a reload", async () => {
  const { page, row, mistakes } = await open("aifs");
  await shows(page, ALL);

  await row("sweep").getByRole("button", { name: "Open" }).click();
  await row("member 1").getByRole("button", { name: "Open" }).click();
  await row("control").getByRole("button", { name: "Open" }).click();

  const opened = ["silent", HOSTILE, "orphan", "sweep", "member 2", "member 1", "deep", "member 0", "broken", "lost fork", "fork", "control", "control", "control", "control"];
  await shows(page, opened);
  assert.equal(await row("deep").getAttribute("aria-level"), "3");
  const attempts = await row("control").allInnerTexts();
  assert.deepEqual(attempts.slice(1).map((text) => /attempt \d/.exec(text)?.[0]), ["attempt 1", "attempt 2", "attempt 3"]);
  await page.reload();
  await shows(page, opened);
  await row("control").first().getByRole("button", { name: "Close" }).click();
  await shows(page, opened.slice(0, 12));
  assert.deepEqual(mistakes, []);
});

test("a fork leads to its origin", async () => {
  const { page, row } = await open("aifs");

  await row("fork").getByRole("link", { name: "Forked from" }).click();

  await page.waitForURL(/runs\/[0-9a-f]{32}$/);
});

test("every run can be a row", async () => {
  const { page, total } = await open("aifs");
  await shows(page, ALL);

  await page.getByRole("button", { name: "Flat" }).click();

  await page.waitForFunction(() => document.querySelectorAll(".grid-row").length === 14);
  assert.equal(await total.innerText(), "14 runs");
  assert.equal(state(page).flat, "1");
  await page.goBack();
  await shows(page, ALL);
});

test("a run that says nothing any more is marked", async (t) => {
  const { row } = await open("aifs");
  const text = await row("silent").innerText();
  if (!text.includes("no point")) return t.skip("the server does not tell progress yet");
  assert.match(text, /no point for \d+ (min|h)/);
});

test("words find names, and ancestors of what they find are shown, but greyed", async () => {
  const { page, search, row, total } = await open("aifs");
  await shows(page, ALL);

  await search.fill("deep");

  await shows(page, ["sweep"]);
  assert.equal(await total.innerText(), "1 run matches, in 3 trainings");
  assert.match(await row("sweep").innerText(), /1 of 4 children match/);
  assert.match(await row("sweep").getAttribute("class"), /faint/);
  assert.ok(await page.getByText("name contains").isVisible());
  assert.equal(state(page).q, "deep");
  await page.getByRole("button", { name: "Clear the search" }).click();
  await shows(page, ALL);
});

test("what the parser expects is offered, and taken by the keyboard", async () => {
  const { page, search, mistakes } = await open("aifs");
  await shows(page, ALL);
  const offer = (name) => page.getByRole("option").filter({ hasText: name });

  await search.pressSequentially("metrics.val");
  await offer("val_loss").waitFor();
  await search.press("ArrowDown");
  await search.press("Enter");
  assert.equal(await search.inputValue(), "metrics.val_loss ");
  await search.pressSequentially("< 0.25");
  await search.press("Escape");

  await shows(page, ["fork", "control"]);
  await search.press("Enter");
  assert.equal(state(page).q, "metrics.val_loss < 0.25");
  await search.fill("");
  await shows(page, ALL);
  await search.press("ArrowDown");
  await offer("metrics.val_loss < 0.25").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a mistake is underlined and explained, and the last good result stays", async () => {
  const { page, search, mistakes } = await open("aifs");
  await search.fill("fork");
  await shows(page, ["lost fork", "fork"]);

  await search.fill("params.x < 3");
  await search.press("Enter");

  const message = page.locator("#search-mistake");
  await message.filter({ hasText: /\S/ }).waitFor();
  assert.equal(await page.locator(".search-wrong").innerText(), "3");
  assert.equal(await search.getAttribute("aria-invalid"), "true");
  await shows(page, ["lost fork", "fork"]);
  assert.equal(state(page).q, "fork");
  assert.deepEqual(mistakes, []);
});

test("a mistake that came with the address is explained as well", async () => {
  const { page } = await open("aifs", "?q=params.x%20%3C%203");

  await page.getByText("The search has a mistake.").waitFor();
  await page.locator("#search-mistake").filter({ hasText: /\S/ }).waitFor();
  await page.getByRole("button", { name: "Clear the search" }).last().click();
  await shows(page, ALL);
});

test("chips write clauses into the line, and take them out", async () => {
  const { page, search } = await open("aifs");
  await shows(page, ALL);
  const chip = (name) => page.locator(".chips").getByRole("button", { name: new RegExp(`^${name}`) });

  await chip("Status").click();
  await page.getByRole("button", { name: "Failed" }).click();
  await shows(page, ["broken"]);
  assert.equal(await search.inputValue(), "attributes.status = 'FAILED'");
  await page.getByRole("button", { name: "Any status" }).click();
  await shows(page, ALL);

  await chip("User").click();
  await page.getByRole("button", { name: "grace" }).click();
  await shows(page, ["fork"]);
  await page.getByRole("button", { name: "Any user" }).click();
  await shows(page, ALL);

  await chip("Tag").click();
  await page.getByRole("button", { name: "hpc" }).click();
  await page.getByRole("button", { name: "lumi" }).click();
  await shows(page, ["broken"]);
  assert.equal(await search.inputValue(), "tags.hpc = 'lumi'");
  await page.getByRole("button", { name: "Clear the search" }).click();
  await shows(page, ALL);

  await chip("Started").click();
  await page.getByRole("button", { name: "Last 24 hours" }).click();
  await shows(page, ["silent", HOSTILE]);
  assert.equal(state(page).from, "1d");
  await page.getByRole("button", { name: "Any started" }).click();
  await shows(page, ALL);
});

test("a cell filters by its value, and excludes it", async () => {
  const { page, cell, search } = await open("aifs");
  await shows(page, ALL);

  await (await cell("fork", "User")).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Only User = grace" }).click();
  await shows(page, ["fork"]);
  assert.equal(await search.inputValue(), "attributes.user_id = 'grace'");
  await page.getByRole("button", { name: "Clear the search" }).click();
  await shows(page, ALL);
  await (await cell("broken", "Status")).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Exclude Status = FAILED" }).click();
  await shows(page, ALL.filter((name) => name !== "broken"));
});

test("without being told, the table shows metrics that matter and params that differ", async () => {
  const { page, grid } = await open("aifs");
  await shows(page, ALL);

  await grid.getByRole("columnheader", { name: "num_channels" }).waitFor();

  const heads = await grid.getByRole("columnheader").locator(".name").allInnerTexts();
  assert.deepEqual(
    heads.map((text) => text.replace(/\s/g, "")),
    ["Name", "Status", "Started", "Duration", "User", "val_loss", "lr-AdamW", "num_channels", "lr.rate", "Note"],
  );
});

test("a table of few rows shows in what the runs below them differ", async () => {
  const parent = await add("sweep", { name: "rates" });
  for (const [place, rate] of ["1e-3", "1e-4", "1e-5"].entries()) {
    await add("sweep", { name: `rate ${place}`, params: { "optimizer.rate": rate, same: "x" }, tags: { "mlflow.parentRunId": parent } });
  }
  const { page, grid, mistakes } = await open("sweep");
  await shows(page, ["rates"]);
  await grid.getByRole("columnheader", { name: "optimizer.rate" }).waitFor();
  assert.equal(await grid.getByRole("columnheader", { name: "same" }).count(), 0);
  assert.deepEqual(mistakes, []);
});

test("the search for columns takes what is typed at once, and its words are a label", async () => {
  const { page, mistakes } = await open("aifs");
  await shows(page, ALL);
  await page.getByRole("button", { name: "Columns", exact: true }).click();
  await page.keyboard.type("val");
  await page.getByRole("checkbox", { name: "val_loss" }).waitFor();
  assert.equal(await page.getByRole("searchbox", { name: "Search columns" }).inputValue(), "val");
  await page.getByText("Differs only").click();
  assert.ok(await page.getByRole("checkbox", { name: "Differs only" }).isChecked());
  await page.locator(".chooser-tree").click({ position: { x: 2, y: 2 } });
  assert.ok(await page.getByRole("checkbox", { name: "Differs only" }).isVisible(), "a click beside the controls leaves it open");
  assert.deepEqual(mistakes, []);
});

test("columns are chosen, moved, sorted and made wider, and all that stands in the address", async () => {
  const { page, grid, mistakes } = await open("aifs", "?cols=name,status,user");
  const heads = async () => (await grid.getByRole("columnheader").locator(".name").allInnerTexts()).map((text) => text.replace(/\s/g, ""));
  await shows(page, ALL);

  await page.getByRole("button", { name: "Columns", exact: true }).click();
  await page.getByRole("searchbox", { name: "Search columns" }).fill("val");
  await page.getByRole("checkbox", { name: "val_loss" }).check();
  await page.getByRole("button", { name: "Move User left" }).click();
  await page.keyboard.press("Escape");
  assert.deepEqual(await heads(), ["Name", "User", "Status", "val_loss"]);
  assert.equal(state(page).cols, "name,user,status,metrics.val_loss");

  await grid.getByRole("button", { name: "val_loss", exact: true }).click();
  await shows(page, [...["fork", "control", "silent"], ...(await names(page)).slice(3)]);
  assert.equal(state(page).sort, "metrics.val_loss");
  await grid.getByRole("button", { name: "User", exact: true }).click({ modifiers: ["Shift"] });
  await page.waitForFunction(() => location.hash.includes("sort=metrics.val_loss,user"));
  const head = grid.getByRole("columnheader", { name: "val_loss" });
  assert.equal(await head.getAttribute("aria-sort"), "ascending");

  const before = (await head.boundingBox()).width;
  await page.getByRole("button", { name: "Column User" }).click();
  await page.getByRole("button", { name: "Wider" }).click();
  await grid.getByRole("columnheader", { name: "User" }).dragTo(head).catch(() => undefined);
  await page.getByRole("button", { name: "Column Status" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  assert.ok(!(await heads()).includes("Status"));
  assert.ok(before > 0);
  assert.deepEqual(mistakes, []);
});

test("columns are frozen beside the name, and scroll again", async () => {
  const { page, grid, cell, mistakes } = await open("aifs", "?cols=name,status,user,metrics.val_loss,params.lr,note", { viewport: { width: 800, height: 600 } });
  await shows(page, ALL);
  const lefts = async () => [
    (await (await cell("fork", "Status")).boundingBox()).x,
    (await grid.getByRole("columnheader", { name: "Status" }).boundingBox()).x,
    (await (await cell("fork", "User")).boundingBox()).x,
  ];
  const sideways = (by) => grid.evaluate((box, by) => (box.scrollLeft = by), by);
  const menu = async (item) => {
    await page.getByRole("button", { name: "Column Status" }).click();
    await page.getByRole("button", { name: item }).click();
  };
  const before = await lefts();
  await menu("Freeze up to here");
  await sideways(150);
  assert.deepEqual(await lefts(), [before[0], before[1], before[2] - 150]);
  await page.reload();
  await shows(page, ALL);
  await sideways(150);
  assert.deepEqual(await lefts(), [before[0], before[1], before[2] - 150]);
  await sideways(0);
  await menu("Let it scroll");
  await sideways(150);
  assert.deepEqual(await lefts(), before.map((left) => left - 150));
  assert.deepEqual(mistakes, []);
});

test("back leads to the row that was seen, and the way on begins at the top", async () => {
  const { page, grid, mistakes } = await open("many");
  await names(page);
  await grid.evaluate((box) => (box.scrollTop = 9_000));
  const link = page.getByRole("link", { name: "run 290", exact: true });
  await link.focus();
  const top = await grid.evaluate((box) => box.scrollTop);
  await link.press("Enter");
  await page.waitForURL(/runs\/[0-9a-f]{32}/);
  await page.goBack();
  await page.waitForFunction((top) => document.querySelector('[role="treegrid"]')?.scrollTop === top, top);
  // The keys go on from the row that was opened.
  await page.keyboard.press("j");
  await page.waitForFunction(() => document.activeElement?.matches(".grid-row"));
  assert.match(await page.evaluate(() => document.activeElement.innerText), /^run 290\b/);
  await page.getByRole("link", { name: "Experiments" }).click();
  await page.getByRole("link", { name: "many", exact: true }).click();
  await names(page);
  assert.equal(await grid.evaluate((box) => box.scrollTop), 0);
  assert.deepEqual(mistakes, []);
});

test("what was chosen in this browser is there again, but the address has the last word", async () => {
  const { page, context, grid } = await open("aifs");
  await shows(page, ALL);
  await page.getByRole("button", { name: "Columns", exact: true }).click();
  await page.getByRole("button", { name: "Remove User" }).click();
  await page.keyboard.press("Escape");

  const again = await context.newPage();
  await again.goto(`${address}/#/experiments/${experiments.aifs}/runs`);
  await shows(again, ALL);
  assert.equal(await partsOf(again).grid.getByRole("columnheader", { name: "User" }).count(), 0);
  await again.goto(`${address}/#/experiments/${experiments.aifs}/runs?cols=name,user`);
  await partsOf(again).grid.getByRole("columnheader", { name: "User" }).waitFor();
  await page.getByRole("button", { name: "Columns", exact: true }).click();
  await page.getByRole("button", { name: "Default columns" }).click();
  await page.keyboard.press("Escape");
  await grid.getByRole("columnheader", { name: "User" }).waitFor();
});

test("a metric has its curve in a cell", async () => {
  const { page, row } = await open("aifs", "?cols=name,metrics.val_loss,curve.val_loss");
  await shows(page, ALL);

  await row("fork").getByRole("img", { name: /^val_loss: from 0\.1 to 1\.1/ }).waitFor();
});

test("runs are selected by click, with Ctrl, with shift, and all at once", async () => {
  const { page, row, toolbar, cell, mistakes } = await open("aifs");
  await shows(page, ALL);
  const count = async (words) => toolbar.getByText(words, { exact: true }).waitFor();
  const click = async (name, modifiers = []) => (await cell(name, "Duration")).click({ modifiers });

  await click("orphan");
  await count("1 selected");
  await click("fork", ["Control"]);
  await count("2 selected");
  assert.equal(state(page).sel, `${runs.orphan},${runs.fork}`);
  await click("control", ["Shift"]);
  await count("3 selected");
  await page.reload();
  await count("3 selected");
  assert.equal(await row("control").getAttribute("aria-selected"), "true");

  await page.getByRole("checkbox", { name: "Select all that match" }).check();
  await count("14 selected");
  assert.equal(state(page).sel, "*");
  await row("sweep").getByRole("checkbox").uncheck();
  await count("13 selected");
  await page.getByRole("combobox", { name: "Search runs" }).fill("fork");
  await shows(page, ["lost fork", "fork"]);
  await toolbar.waitFor({ state: "detached" });
  await row("fork").getByRole("checkbox").check();
  await count("1 selected");
  await page.getByRole("combobox", { name: "Search runs" }).press("Escape");
  await row("fork").focus();
  await page.keyboard.press("Escape");
  await toolbar.waitFor({ state: "detached" });
  assert.deepEqual(mistakes, []);
});

test("selected runs are compared, put into the basket, and their ids copied", async () => {
  const { page, row, notice } = await open("aifs", "", { permissions: ["clipboard-read", "clipboard-write"] });
  await shows(page, ALL);
  await row("fork").getByRole("checkbox").check();
  await row("broken").getByRole("checkbox").check();

  await page.getByRole("button", { name: "Add to basket" }).click();
  await notice.getByText("2 runs put into the basket").waitFor();
  await page.getByRole("button", { name: "Copy ids" }).click();
  await notice.getByText("2 ids copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${runs.fork}\n${runs.broken}`);
  await page.keyboard.press("c");
  await page.waitForURL(`**/#/compare?runs=${runs.fork},${runs.broken}`);
  await page.goBack();
  await shows(page, ALL);
  await page.locator(".runs-head").getByText("2 selected").waitFor();

  // A row that is a training of several attempts is compared as one, and a row's menu asks for what to compare it with.
  await page.keyboard.press("Escape");
  await row("control").getByRole("checkbox").check();
  await row("fork").getByRole("checkbox").check();
  await page.keyboard.press("c");
  await page.waitForURL(`**/#/compare?runs=${runs.control},${runs.fork}&x=joined`);
  await page.goBack();
  await shows(page, ALL);
  await row("broken").getByRole("button", { name: "What can be done with it" }).click();
  await page.getByRole("menuitem", { name: "Compare…" }).click();
  await page.getByRole("heading", { name: "Compare 1 run" }).waitFor();
  await page.keyboard.type("silent");
  await page.getByRole("list", { name: "Runs that are found" }).getByRole("button", { name: /silent/ }).click();
  await page.waitForURL(`**/#/compare?runs=${runs.broken},${runs.silent}`);
});

test("the table is saved as CSV, and nothing in it is a formula", async () => {
  const { page } = await open("aifs", "?cols=name,status,duration,metrics.val_loss,note&q=metrics.val_loss%20%3C%200.25");
  await shows(page, ["fork", "control"]);

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV" }).click();
  const text = await readFile(await (await download).path(), "utf8");

  const lines = text.trimEnd().split("\r\n");
  assert.equal(lines[0], "run_id,experiment,name,status,duration_s,metrics.val_loss,note");
  assert.equal(lines.length, 1 + 3, "each run is a line, whatever is a row");
  assert.ok(text.includes(`${runs.fork},aifs,fork,FINISHED,3600,0.1,`));
});

test("runs are tagged, renamed, deleted with what is nested in them, brought back and restored", async () => {
  const parent = await add("changing", { name: "parent to be", start: NOW - 5 * HOUR });
  await add("changing", { name: "child to be", tags: { "mlflow.parentRunId": parent }, start: NOW - 4 * HOUR });
  await add("changing", { name: "lonely", start: NOW - 3 * HOUR });
  const { page, row, notice, mistakes } = await open("changing", "?cols=name,tags.colour");
  const action = (name) => page.getByRole("toolbar").getByRole("button", { name });
  const dialog = page.getByRole("dialog");
  await shows(page, ["lonely", "parent to be"]);

  await row("lonely").getByRole("checkbox").check();
  await action("Tag").click();
  await dialog.getByLabel("Name").fill("colour");
  await dialog.getByLabel("Value").fill("blue");
  await dialog.getByRole("button", { name: "Set the tag" }).click();
  await notice.getByText("Set tag colour of 1 run").waitFor();
  await row("lonely").getByText("blue").waitFor();

  await action("Rename").click();
  await dialog.getByLabel("Name").fill("renamed");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await shows(page, ["renamed", "parent to be"]);
  await row("renamed").getByRole("checkbox").uncheck();

  await row("parent to be").getByRole("checkbox").check();
  await action("Delete").click();
  await dialog.getByLabel("Also 1 nested run").check();
  await dialog.getByRole("button", { name: "Move to the trash" }).click();
  await notice.getByText("2 runs moved to the trash").waitFor();
  await shows(page, ["renamed"]);
  await notice.getByRole("button", { name: "Undo" }).click();
  await shows(page, ["renamed", "parent to be"]);

  await row("parent to be").getByRole("checkbox").check();
  await action("Delete").click();
  await dialog.getByRole("button", { name: "Move to the trash" }).click();
  await notice.getByText("1 run moved to the trash").waitFor();
  await shows(page, ["renamed", "child to be"]);
  assert.match(await row("child to be").innerText(), /parent deleted/);

  await page.getByRole("button", { name: "Trash" }).click();
  await shows(page, ["parent to be"]);
  await row("parent to be").getByRole("checkbox").check();
  await action("Restore").click();
  await notice.getByText("1 run restored").waitFor();
  await page.getByText("The trash is empty.").waitFor();
  await page.getByRole("button", { name: "Show the runs" }).click();
  await shows(page, ["renamed", "parent to be"]);
  assert.deepEqual(mistakes, []);
});

test("everything can be done with the keyboard", async () => {
  const { page, row, mistakes } = await open("aifs");
  await shows(page, ALL);
  const focused = () => page.evaluate(() => document.activeElement.closest(".grid-row")?.querySelector(".run-link")?.textContent);

  await page.keyboard.press("j");
  assert.equal(await focused(), "silent");
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("j");
  assert.equal(await focused(), "sweep");
  await page.keyboard.press("ArrowRight");
  await row("member 2").waitFor();
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "member 2");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await focused(), "sweep");
  await page.keyboard.press("ArrowLeft");
  await shows(page, ALL);
  await page.keyboard.press("k");
  assert.equal(await focused(), "orphan");
  await page.keyboard.press(" ");
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByRole("toolbar").getByText("2 selected").waitFor();
  await page.keyboard.press("End");
  assert.equal(await focused(), "control");
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.querySelectorAll(".grid-row").length === 14);
  await page.keyboard.press("f");
  await shows(page, ALL);
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+F10");
  await page.getByRole("menuitem", { name: "Open", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "silent");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/runs/${runs.silent}`);
  assert.deepEqual(mistakes, []);
});

test("a thousand rows are a window of few, the last of them is one scroll away, and the focus stays", async () => {
  const { page, grid, total, mistakes } = await open("many");
  await names(page);
  assert.equal(await total.innerText(), "1,000 runs");
  await page.keyboard.press("j");

  await grid.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await page.getByRole("link", { name: "run 999", exact: true }).waitFor();

  assert.ok((await page.locator(".grid-row").count()) < 60, "few rows are made");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "0", "the row that has the focus stays");
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "1");
  assert.ok(await page.getByRole("link", { name: "run 1", exact: true }).isVisible());
  await page.keyboard.press("End");
  await page.getByRole("link", { name: "run 999", exact: true }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("an empty table says why, and what to do", async () => {
  const none = await open("empty");
  await none.page.getByText("There are no runs yet.").waitFor();
  assert.ok(await none.page.getByText(`mlflow.set_experiment("empty")`).isVisible());
  await makeRun(address, experiments.empty, { name: "the first one" });
  await shows(none.page, ["the first one"]);

  const hidden = await open("aifs", "?q=nobody");
  await hidden.page.getByText("The filter hides 14 runs.").waitFor();
  await hidden.page.getByRole("button", { name: "Clear the filter" }).click();
  await shows(hidden.page, ALL);
  await hidden.page.goto(`${address}/#/experiments/${experiments.aifs}/runs?q=metrics.val_los < 1 AND metrics.val_loss > 0`);
  await hidden.page.getByText("No run here has a metric val_los.").waitFor();
  assert.equal(await hidden.page.getByText("No run here has a metric val_loss.").count(), 0);

  const deleted = await open("thrown away");
  await deleted.page.getByText("All 2 runs are in the trash.").waitFor();
  await deleted.page.getByRole("button", { name: "Show the trash" }).click();
  await deleted.page.waitForFunction(() => document.querySelectorAll(".grid-row").length === 2);

  const { page } = await openPage(browser);
  await page.goto(`${address}/#/experiments/4711/runs`);
  await page.getByText("There is no experiment 4711.").waitFor();
});

test("what fails says so where it failed, and is asked again on demand", async () => {
  const { page, context } = await openPage(browser);
  let broken = true;
  await context.route("**/windvane/v1/rows", (route) =>
    broken ? route.fulfill({ status: 503, contentType: "application/json", body: '{"message":"too much to do"}', headers: { "x-request-id": "r-17" } }) : route.continue(),
  );
  await page.goto(`${address}/#/experiments/${experiments.aifs}/runs`);
  await page.getByText("too much to do").waitFor();
  await page.getByText("status 503 · request r-17").waitFor();
  assert.ok(await page.getByRole("combobox", { name: "Search runs" }).isVisible(), "the rest goes on working");

  broken = false;
  await page.getByRole("button", { name: "Retry" }).click();
  await shows(page, ALL);
});

test("runs of several experiments, and of all, are one table", async () => {
  const { page } = await openPage(browser);
  await page.goto(`${address}/#/experiments/${experiments.aifs},${experiments.other}/runs?q=metrics.val_loss%20%3E%200`);
  await page.getByRole("columnheader", { name: "Experiment" }).waitFor();
  await page.getByRole("link", { name: "elsewhere", exact: true }).waitFor();
  await page.goto(`${address}/#/runs?q=elsewhere`);
  await shows(page, ["elsewhere"]);
});

test("table and curves stand beside each other, and what is pointed at in one is lifted in the other", async () => {
  const { page, row, mistakes } = await open("aifs", "?show=both", { viewport: { width: 1920, height: 1080 } });
  await shows(page, ALL);
  await page.getByText("8 rows drawn").waitFor();

  await row("fork").getByRole("button", { name: "Hide the curve" }).click();
  await page.getByText("7 of 8 rows drawn").waitFor();
  assert.equal(state(page).hide, runs.fork);
  await row("fork").getByRole("button", { name: "Draw the curve" }).click();
  await page.getByText("8 rows drawn").waitFor();
  await page.getByRole("button", { name: "Charts", exact: true }).click();
  await page.getByRole("treegrid").waitFor({ state: "detached" });
  assert.equal(state(page).show, "charts");
  assert.deepEqual(mistakes, []);
});

test("a training is one curve over its attempts, which are drawn one by one where x is the step alone", async () => {
  const { page } = await openPage(browser, { viewport: { width: 1280, height: 800 } });
  const asked = [];
  page.on("request", (request) => request.url().endsWith("/series") && asked.push(request.postDataJSON()));
  const answered = page.waitForResponse("**/series");
  await page.goto(`${address}/#/experiments/${experiments.aifs}/runs?show=both&open=${runs.control}`);
  await page.getByText("8 of 11 rows drawn").waitFor();
  await answered;
  assert.equal(asked.at(-1).joined, true);
  assert.equal(new Set(asked.at(-1).run_ids).size, 8);

  const again = page.waitForResponse("**/series");
  await page.getByLabel("x", { exact: true }).selectOption({ label: "Step" });
  await page.getByText("10 of 11 rows drawn").waitFor();
  await again;
  assert.equal(state(page).x, "step");
  assert.notEqual(asked.at(-1).joined, true);
});

test("only the first rows are drawn, all of them when that is wanted", async () => {
  const { page } = await open("many", "?show=both", { viewport: { width: 1920, height: 1080 } });

  await page.getByText("20 of 1,000 rows drawn").waitFor();
  await page.getByRole("button", { name: "Draw the first 100" }).click();

  await page.waitForFunction(() => location.hash.includes("all=1"));
  await page.getByText("100 of 1,000 rows drawn").waitFor();
});

test("a run that begins is there without a reload", async () => {
  const { page } = await open("other");
  await names(page);

  await makeRun(address, experiments.other, { name: "just begun", start: NOW });

  await page.getByRole("link", { name: "just begun", exact: true }).waitFor();
});

test("what people wrote is text", async () => {
  const { page, cell, mistakes } = await open("aifs", "?cols=name,params.%60a%20b/c%60,note");
  await shows(page, ALL);

  assert.equal(await (await cell(HOSTILE, "Note")).innerText(), HOSTILE);
  await page.getByRole("row").filter({ hasText: "<img" }).first().click({ button: "right", position: { x: 400, y: 10 } });
  await page.getByRole("menuitem", { name: /^Open/ }).waitFor();
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("axe-core finds nothing, in any state and either theme", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, context, row, search } = await open("aifs", "", { colorScheme });
    await shows(page, ALL);
    await row("sweep").getByRole("button", { name: "Open" }).click();
    await row("fork").getByRole("checkbox").check();
    await row("member 0").waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], `the table, ${colorScheme}`);
    await page.getByRole("button", { name: "Columns", exact: true }).click();
    await page.getByRole("checkbox", { name: "val_loss" }).waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], `the columns, ${colorScheme}`);
    await page.keyboard.press("Escape");
    await search.pressSequentially("metrics.");
    await page.getByRole("option").first().waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], `the completions, ${colorScheme}`);
    await search.press("Escape");
    await search.press("Enter");
    await page.locator("#search-mistake").filter({ hasText: /\S/ }).waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], `a mistake, ${colorScheme}`);
    await page.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], `a dialog, ${colorScheme}`);
    await context.close();
  }
});
