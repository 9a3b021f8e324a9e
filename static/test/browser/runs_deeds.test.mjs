// What is done with the rows of the table of runs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { ALL, HOUR, NOW, add, addMany, address, open, runs, shows, startTable, state } from "./runs_table.mjs";
import { call } from "./seed.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };

before(async () => {
  await startTable(shared, "changing", "many");
  await addMany("many");
});

after(async () => {
  for (const end of shared.ends) await end();
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

test("the table is saved as CSV with whole values, and so is a selection", async () => {
  const long = "long".repeat(200);
  await add("aifs", { name: "with a long param", params: { long }, metrics: { val_loss: [0.15] }, start: NOW - 100 * HOUR });
  const { page, row } = await open("aifs", "?cols=name,status,metrics.val_loss,params.long&q=metrics.val_loss%20%3C%200.25");
  await row("fork").waitFor();
  const saved = async (button) => {
    const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
    return (await readFile(await download.path(), "utf8")).trimEnd().split("\r\n");
  };
  const all = await saved(page.getByRole("button", { name: "CSV" }));
  assert.equal(all.length, 1 + 4, "each run is a line, whatever is a row");
  assert.match(all[0], /^run_id,experiment_id,lifecycle_stage,/);
  assert.ok(all.some((line) => line.startsWith(`${runs.fork},`) && line.includes(",fork,FINISHED,0.1,")), all.join("\n"));
  assert.ok(all.some((line) => line.includes(long)), "nothing is cut");

  await row("fork").getByRole("checkbox").check();
  const some = await saved(page.getByRole("toolbar").getByRole("button", { name: "CSV" }));
  assert.equal(some.length, 1 + 1);
  await call(address, "runs/delete", { run_id: runs["with a long param"] });
});

test("more runs than an address can name are saved all the same", async () => {
  const { page, grid } = await open("many", "?cols=name");
  await grid.getByRole("row").nth(1).waitFor();
  const boxes = grid.getByRole("row").getByRole("checkbox", { name: "Select", exact: true });
  await boxes.first().click();
  // With Shift as far down as the table goes: 1,000 ids.
  await grid.getByRole("row").nth(1).focus();
  await page.keyboard.press("End");
  await grid.getByRole("row", { name: /run 999/ }).getByRole("checkbox").click({ modifiers: ["Shift"] });
  await page.getByText("1,000 selected").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("toolbar").getByRole("button", { name: "CSV" }).click()]);
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\r\n");
  assert.equal(lines.length, 1 + 1_000);
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
