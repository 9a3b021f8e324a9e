// `windvane view`: the pages on a store that fills while one looks, and in which nothing can be changed.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { appendPoint, writeExperiment, writeRun } from "./file_store.mjs";
import { ask, call, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, freshData, openPage, settled, startBrowser, startServer, startView } from "./support.mjs";

const EXPERIMENT = "412345678901234567";
const CONTROL = "a".repeat(32);
const COPY = "b".repeat(32);
const GONE = "d".repeat(32);
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const NOTE = { "mlflow.note.content": "Some **words**" };

/** A run whose name, note, tags and state could be changed elsewhere. */
const RUN = { name: "control", params: { "config.lr": 0.1 }, tags: { hpc: "lumi", ...NOTE }, metrics: { loss: [0.9, 0.5, 0.25] } };

const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let browser;
/** A view of a store that is not written to any more. */
let still;

before(async () => {
  browser = await startBrowser(shared);
  const store = await freshStore(shared);
  await writeControl(store);
  await writeRun(store, EXPERIMENT, COPY, { ...RUN, name: "control of another tool", params: { "metadata.offline_run_id": CONTROL } });
  await writeRun(store, EXPERIMENT, GONE, { ...RUN, name: "gone", stage: "deleted" });
  const address = await startView(shared, store);
  const isWhole = ({ runs, deleted_runs: deleted }, metrics) => runs === 2 && deleted === 1 && metrics.every(([loss]) => loss === 0.25);
  still = { address, store, experiment: await brought(address, isWhole) };
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** A store with an experiment and no run. */
async function freshStore(t) {
  const store = join(await freshData(t), "scratch", "aifs", "mlruns");
  await mkdir(store, { recursive: true });
  await writeExperiment(store, EXPERIMENT, "aifs", NOTE);
  return store;
}

function writeControl(store) {
  return writeRun(store, EXPERIMENT, CONTROL, { ...RUN, status: "RUNNING", files: { "plots/map.png": PIXEL, "said.txt": "the last word\n" } });
}

/**
 * Waits until a view has brought what is asked for, by its experiment and the `loss` and `val_loss` of the runs there; the id of the
 * experiment. Nobody knows how soon that is: after a look a view rests ten times as long as that took.
 */
async function brought(address, is) {
  for (;;) {
    const { experiments } = await ask(address, "experiments?view_type=ALL");
    const found = experiments.find(({ name }) => name === "aifs");
    if (found !== undefined) {
      const { rows } = await ask(address, "rows", { experiment_ids: [found.experiment_id], columns: ["metrics.loss", "metrics.val_loss"], limit: 10 });
      if (is(found, rows.map(([, , , ...metrics]) => metrics))) return found.experiment_id;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A page that also notes down every answer that is a refusal. */
async function open(address, place, options = {}) {
  const opened = await openPage(browser, options);
  opened.page.on("response", (response) => response.status() === 403 && opened.mistakes.push(`403: ${response.url()}`));
  await opened.page.goto(`${address}/${place}`);
  return opened;
}

const runPlace = (experiment, run, tab = "") => `#/experiments/${experiment}/runs/${run}${tab}`;

test("a view fills and grows while one looks", async (t) => {
  const store = await freshStore(t);
  const address = await startView(t, store);
  const { page, mistakes } = await open(address, "#/");
  await page.getByText("Nothing has been found yet.").waitFor();
  await page.locator(".empty").getByText(store).waitFor();
  assert.equal(await page.locator(".connect, .experiments").count(), 0);
  assert.deepEqual(await accessibilityFindings(page), []);
  const all = await open(address, "#/runs");
  await all.page.getByText("Nothing has been found yet.").waitFor();
  assert.equal(await all.page.locator(".sample").count(), 0);
  // What comes before a page looked once at what changes is no change to it.
  for (const one of [page, all.page]) await one.getByText("Live", { exact: true }).waitFor();

  const folder = await writeControl(store);
  await brought(address, (_, [[loss] = []]) => loss === 0.25);
  await page.getByRole("link", { name: "aifs", exact: true }).waitFor();
  assert.deepEqual(await page.locator(".row-name").allTextContents(), ["aifs"]);
  // The columns of a table that had nothing to make them of come with what there is.
  await all.page.getByRole("link", { name: "control", exact: true }).waitFor();
  await all.page.getByRole("gridcell", { name: "0.25", exact: true }).waitFor();
  assert.deepEqual(all.mistakes, []);

  await page.getByRole("link", { name: "aifs", exact: true }).click();
  await page.getByRole("link", { name: "control", exact: true }).click();
  await page.locator(".curve canvas").waitFor();
  const last = page.getByRole("region", { name: "Table of last values" }).getByRole("row").nth(1);
  assert.match(await last.innerText(), /^loss\s+0\.25\s+2\s/);
  await appendPoint(folder, "loss", 0.125, 3);
  await brought(address, (_, [[loss]]) => loss === 0.125);
  await page.locator(".run-line").getByText("step 3").waitFor();
  await last.getByText("0.125", { exact: true }).first().waitFor();
  // A metric that the run had not when the page was opened.
  await appendPoint(folder, "val_loss", 0.5, 0);
  await brought(address, (_, [[, validation]]) => validation === 0.5);
  await page.getByRole("link", { name: "Metrics 2" }).waitFor();
  await page.locator(".curve").getByText("val_loss").waitFor();
  assert.deepEqual(mistakes, []);
});

test("files are shown as they lie in the store", async () => {
  const { page, mistakes } = await open(still.address, runPlace(still.experiment, CONTROL, "/artifacts/plots/map.png"));
  await page.waitForFunction(() => document.querySelector(".artifacts img")?.naturalWidth === 1);
  await page.getByRole("treeitem", { name: "said.txt" }).click();
  await page.getByText("the last word").waitFor();
  assert.deepEqual(mistakes, []);
});

/** The screens by their addresses, and what is seen once they are there. */
const SCREENS = (experiment) => [
  ["#/experiments", ".experiments tbody tr"],
  ["#/experiments?state=deleted", ".empty, .admin tbody tr"],
  ["#/admin/server", ".settings dd"],
  ["#/admin/users", ".empty"],
  ["#/settings", ".settings"],
  [`#/experiments/${experiment}/runs`, ".run-link"],
  [`#/experiments/${experiment}/runs?state=deleted`, ".run-link"],
  [`#/experiments/${experiment}/runs?show=both`, "canvas"],
  [runPlace(experiment, CONTROL), ".curve canvas"],
  [runPlace(experiment, GONE), ".banner"],
  [runPlace(experiment, CONTROL, "/model-metrics"), "canvas"],
  [runPlace(experiment, CONTROL, "/params"), ".param"],
  [runPlace(experiment, CONTROL, "/artifacts"), "[role=treeitem]"],
  [runPlace(experiment, CONTROL, "/lineage"), ".lineage, .empty"],
  [`#/compare?runs=${CONTROL},${COPY}`, "canvas"],
  ["#/models/aifs", "h1"],
  // The pages of accounts explain themselves.
  ["tokens", "h1"],
  ["login", "h1"],
  ["seed", "h1"],
];

/** The names of all controls that are on the page now. The line of what is selected has a `Tag` too, which is no filter. */
function controls(page) {
  const kinds = "a, button, input, textarea, select, summary, [role=menuitem], [role=option]";
  return page.locator(kinds).evaluateAll((found) =>
    found.map((control) => (control.closest("[role=toolbar]") ? "Selected: " : "") + (control.getAttribute("aria-label") ?? control.innerText ?? "").trim()),
  );
}

/** The names of everything that can be done on a screen: its controls, those in its menus and in the palette, and its keys. */
async function walk(page) {
  const seen = new Set();
  const look = async () => {
    for (const name of await controls(page)) seen.add(name);
  };
  for (const pick of await page.locator(".experiments tbody input, [role=row][data-index] input").all()) await pick.check();
  await look();
  const close = async () => {
    await page.keyboard.press("Escape");
    await page.evaluate(() => document.body.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true })));
  };
  for (const menu of await page.locator(".menu > button, [data-act=menu], summary").all()) {
    // Some are there only while the pointer is at their row, or are of what the page shows no more.
    if (!(await menu.isVisible()) && (await menu.getAttribute("data-act")) === null) continue;
    await menu.dispatchEvent("click");
    await look();
    await close();
  }
  // What opens by itself when a description or a name is pressed.
  for (const description of await page.locator(".col-note button").all()) {
    await description.click();
    await look();
    await page.keyboard.press("Escape");
  }
  if ((await page.locator(".bar-search").count()) > 0) {
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Search" }).waitFor();
    await look();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    const keys = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await keys.waitFor();
    for (const name of await keys.locator("dd").allTextContents()) seen.add(name);
    await page.keyboard.press("Escape");
  }
  return seen;
}

const CHANGING = /^(selected: (tag|rename|delete|restore)|new experiment|rename|describe|description, in markdown|delete|restore|move to the trash|tag…|add tag|add note|edit$|change the tag|remove the tag|change|save|set |make |create|sign (in|out)$)/i;

/** All that can be done and changes something, by the address of its screen. */
async function changing(address, experiment) {
  const { page, mistakes } = await open(address, "#/");
  const found = {};
  for (const [place, sight] of SCREENS(experiment)) {
    await page.goto("about:blank");
    await page.goto(`${address}/${place}`);
    await page.locator(sight).first().waitFor();
    await settled(page);
    found[place] = [...(await walk(page))].filter((name) => CHANGING.test(name) && !/^change the theme/i.test(name));
  }
  return { found, mistakes };
}

test("nothing that changes anything is offered, in no menu, by no key and not in the palette", async () => {
  const { found, mistakes } = await changing(still.address, still.experiment);
  for (const [place, names] of Object.entries(found)) assert.deepEqual(names, [], place);
  assert.deepEqual(mistakes, []);
});

test("the same walk finds what a server offers that can be written to", async (t) => {
  const address = await startServer(t);
  const experiment = await makeExperiment(address, "aifs");
  await call(address, "experiments/set-experiment-tag", { experiment_id: experiment, key: "mlflow.note.content", value: "words" });
  const runs = {};
  for (const name of ["control", "other", "gone"]) runs[name] = await makeRun(address, experiment, { ...RUN, name });
  await call(address, "runs/delete", { run_id: runs.gone });
  const { page } = await open(address, "#/experiments");
  const names = async (place, sight) => {
    await page.goto("about:blank");
    await page.goto(`${address}/${place}`);
    await page.locator(sight).first().waitFor();
    await settled(page);
    return [...(await walk(page))].filter((name) => CHANGING.test(name));
  };
  const has = (found, ...wanted) => assert.deepEqual(wanted.filter((name) => !found.includes(name)), [], found.join());
  // What can be changed is offered once it is known who is here, which is an answer of its own: what is waited for is offered then.
  const [list, table, run] = [".screen:has(.experiments) >> text=New experiment", ".screen:has(.run-link) >> text=Views", ".screen:has(canvas) >> text=Delete"];
  has(await names("#/experiments", list), "New experiment", "Rename", "Describe", "Move to the trash", "Description, in Markdown", "Save");
  has(await names(`#/experiments/${experiment}/runs`, table), "Tag…", "Rename…", "Delete…", "Selected: Tag", "Selected: Delete");
  has(await names(`#/experiments/${experiment}/runs?state=deleted`, table), "Restore", "Selected: Restore");
  has(await names(runPlace(experiment, runs.control), run), "Rename", "Delete", "Add tag", "Change the tag hpc", "Remove the tag hpc", "Edit");
  has(await names(runPlace(experiment, runs.gone), ".banner >> text=Restore"), "Restore");
  assert.equal(await page.locator(".view-sign").count(), 0);
});

test("the bar says what is shown and that it is only shown, in both themes and however wide the window is", async () => {
  for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [860, "light"], [700, "dark"], [390, "light"]]) {
    for (const place of ["#/", `#/experiments/${still.experiment}/runs?open=${CONTROL}`, runPlace(still.experiment, CONTROL), runPlace(still.experiment, GONE)]) {
      const { context, page, mistakes } = await open(still.address, place, { viewport: { width, height: 800 }, colorScheme });
      const sign = page.getByTitle(`Read-only view of ${still.store}`, { exact: true });
      await sign.waitFor();
      await settled(page);
      assert.match(await sign.ariaSnapshot(), new RegExp(`Read-only view of ${still.store}`));
      // Its end says most of it and is always there.
      const end = await sign.locator(".name-tail").boundingBox();
      assert.ok(end.width > 60 && end.x >= 0 && end.x + end.width <= width, `${JSON.stringify(end)} at ${width}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `${place} is wider than ${width}`);
      assert.deepEqual(await accessibilityFindings(page), [], `${place}, ${colorScheme}, ${width}`);
      assert.deepEqual(mistakes, []);
      await context.close();
    }
  }
});

test("a copy that another tool made is in the row of its run, and leads there", async () => {
  const { page, mistakes } = await open(still.address, `#/experiments/${still.experiment}/runs`);
  await page.getByText("2 runs, 1 training").waitFor();
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "control", exact: true }) });
  await row.getByText("1 copy").waitFor();
  await row.getByRole("button", { name: "Open" }).click();
  await page.getByText("copy of attempt 1").waitFor();
  await page.getByRole("link", { name: "control of another tool" }).click();
  await page.locator(".relations").getByText("copy of").waitFor();
  await page.locator(".relations").getByRole("link", { name: "control", exact: true }).click();
  await page.locator(".relations").getByText("1 copy:").waitFor();
  assert.deepEqual(mistakes, []);
});
