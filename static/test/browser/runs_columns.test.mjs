// The columns of the table of runs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ALL, add, address, experiments, names, open, partsOf, shows, startTable, state } from "./runs_table.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };

before(async () => {
  await startTable(shared, "sweep");
});

after(async () => {
  for (const end of shared.ends) await end();
});

test("without being told, the table shows metrics that matter and params that differ", async () => {
  const { page, grid } = await open("aifs");
  await shows(page, ALL);

  // Metrics and params are answers to two questions.
  await grid.getByRole("columnheader", { name: "val_loss" }).waitFor();
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
