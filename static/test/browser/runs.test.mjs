// The table of runs in a real browser, against the real server: rows, search, and what stands around them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ALL, HOSTILE, NOW, add, addMany, address, browser, experiments, names, open, runs, shows, startTable, state } from "./runs_table.mjs";
import { call, forEachOf, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };

before(async () => {
  await startTable(shared, "other", "empty", "thrown away", "many");
  const gone = await forEachOf([0, 1], (place) => add("thrown away", { name: `gone ${place}` }));
  for (const run of gone) await call(address, "runs/delete", { run_id: run });
  await add("other", { name: "elsewhere", metrics: { val_loss: [0.4] } });
  await addMany("many");
});

after(async () => {
  for (const end of shared.ends) await end();
});

test("a training is one row, what is nested lies beneath its parent, and totals are exact", async () => {
  const { page, mistakes, row, cell, total, grid } = await open("aifs");

  await shows(page, ALL);
  assert.equal(await total.innerText(), "14 runs, 12 trainings");
  assert.equal(await grid.getAttribute("aria-rowcount"), String(ALL.length + 1));
  assert.match(await row("control").innerText(), /×3/);
  assert.match(await row("sweep").innerText(), /3 children/);
  assert.match(await row("orphan").innerText(), /parent deleted/);
  assert.match(await row("lost fork").innerText(), /origin not here/);
  const loss = await cell("control", "val_loss");
  // The values come after the rows, those of all rows together.
  await loss.filter({ hasText: /\S/ }).waitFor();
  assert.equal(await loss.innerText(), "0.2");
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

  await row("fork").getByRole("link", { name: "Forked from control", exact: true }).click();

  await page.waitForURL(/runs\/[0-9a-f]{32}$/);
});

test("a fork of a run in another experiment names it and leads there", async () => {
  const fork = await add("other", { name: "moved on", tags: { forkedRun: "True", forkedRunId: runs["member 0"] } });
  const { page, row } = await open("other");

  await row("moved on").getByRole("link", { name: "Forked from member 0", exact: true }).click();

  await page.waitForURL((url) => url.hash === `#/experiments/${experiments.aifs}/runs/${runs["member 0"]}`);
  await call(address, "runs/delete", { run_id: fork });
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

test("a run that says nothing any more is marked", async () => {
  const { row } = await open("aifs");
  assert.match(await row("silent").innerText(), /silent for \d+ (min|h)/);
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
  await none.page.getByText(`mlflow.set_experiment("empty")`).waitFor();
  await none.page.getByText("Live", { exact: true }).waitFor();
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
  await page.getByText("8 rows drawn", { exact: true }).waitFor();

  await row("fork").getByRole("button", { name: "Hide the curve" }).click();
  await page.getByText("7 of 8 rows drawn").waitFor();
  assert.equal(state(page).hide, runs.fork);
  await row("fork").getByRole("button", { name: "Draw the curve" }).click();
  await page.getByText("8 rows drawn", { exact: true }).waitFor();
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

  const again = page.waitForResponse((response) => response.url().endsWith("/series") && response.request().postDataJSON().joined !== true);
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
  await page.getByText("Live", { exact: true }).waitFor();

  await makeRun(address, experiments.other, { name: "just begun", start: NOW });

  await page.getByRole("link", { name: "just begun", exact: true }).waitFor();
});

test("what people wrote is text", async () => {
  const { page, cell, mistakes } = await open("aifs", "?cols=name,params.%60a%20b/c%60,note");
  await shows(page, ALL);

  const note = await cell(HOSTILE, "Note");
  await note.filter({ hasText: /\S/ }).waitFor();
  assert.equal(await note.innerText(), HOSTILE);
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
    await search.fill("metrics.");
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
