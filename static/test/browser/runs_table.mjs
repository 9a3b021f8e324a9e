// What the tests of the table of runs work with: runs that tell a story, and a browser that shows them.

import assert from "node:assert/strict";
import { call, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { openPage, startBrowser, startServer } from "./support.mjs";

export let address;
export let browser;
/** Ids by name: of experiments, and of runs (the last of a name). */
export const experiments = {};
export const runs = {};

export const HOUR = 3_600_000;
export const HOSTILE = `<img src=x onerror="document.title='owned'">`;
export const NOW = Date.now();

/** Starts server and browser, which end with `shared`, and seeds the experiment `aifs`; others are there and empty. */
export async function startTable(shared, ...others) {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  for (const name of ["aifs", ...others]) experiments[name] = await makeExperiment(address, name);
  await seedStory();
}

/** A thousand runs, `run 0` the latest, in an experiment that is there. */
export async function addMany(experiment) {
  await forEachOf(Array.from({ length: 1_000 }), (_, place) => add(experiment, { name: `run ${place}`, start: NOW - place * HOUR }));
}

/** Makes a run; its id, which is also kept by its name. */
export async function add(experiment, run) {
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
export async function open(experiment, state = "", options = {}) {
  const opened = await openPage(browser, { viewport: { width: 1280, height: 800 }, ...options });
  await opened.page.goto(`${address}/#/experiments/${experiments[experiment]}/runs${state}`);
  return { ...opened, ...partsOf(opened.page) };
}

export function partsOf(page) {
  const grid = page.getByRole("treegrid", { name: "Runs" });
  const row = (name) => grid.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  return {
    grid,
    row,
    /** A cell of a row by what stands above its column, once that is there. */
    cell: async (name, column) => {
      await grid.getByRole("columnheader", { name: column }).first().waitFor();
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
export async function names(page) {
  await page.waitForFunction(() => document.querySelector(".awaited, .runs-grid.stale, .skeleton") === null && document.querySelector(".grid-row") !== null);
  const found = await page.locator(".grid-row").evaluateAll((rows) => rows.map((row) => [Number(row.dataset.index), row.querySelector(".run-link").textContent]));
  return found.sort(([one], [other]) => one - other).map(([, name]) => name);
}

/** Waits until the names of the rows are these. */
export async function shows(page, expected) {
  await page.waitForFunction(
    (wanted) => {
      const rows = [...document.querySelectorAll(".grid-row")].sort((one, other) => one.dataset.index - other.dataset.index);
      return document.querySelector(".stale") === null && rows.map((row) => row.querySelector(".run-link")?.textContent).join("\n") === wanted;
    },
    expected.join("\n"),
  ).catch(async () => assert.deepEqual(await names(page), expected));
}

/** What the address says of the screen. */
export function state(page) {
  return Object.fromEntries(new URLSearchParams(page.url().split("?")[1] ?? ""));
}

/** The rows of `aifs` from the top, but for the one that runs. */
export const TOP = [HOSTILE, "orphan", "sweep", "broken", "lost fork", "fork", "control"];
/** The rows of `aifs`. */
export const ALL = ["silent", ...TOP];
