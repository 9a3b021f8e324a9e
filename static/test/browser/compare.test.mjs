// The comparison of runs in a real browser, against the real server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { call, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, startBrowser, startServer } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
/** Ids of runs by name. */
const runs = {};

const LOSS = "[{'_target_': 'losses.WeightedMSELoss', 'scalers': ['node_weights'], 'ignore_nans': False}]";
const falling = (last) => Array.from({ length: 50 }, (_, place) => last + 1 - place / 49);

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  const [global, ensemble] = [await makeExperiment(address, "aifs/global"), await makeExperiment(address, "ensemble/crps")];
  const same = Object.fromEntries(Array.from({ length: 30 }, (_, place) => [`config.same.layer_${place}`, "x"]));
  const params = { "config.lr": "1e-4", "config.loss": LOSS, "config.channels": "512", ...same };
  const add = async (experiment, run) => (runs[run.name] = await makeRun(address, experiment, run));
  await add(global, { name: "baseline", params, tags: { hpc: "lumi" }, metrics: { val_loss: falling(0.2), accuracy: falling(0.5), epoch: falling(9) } });
  await add(global, {
    name: "small lr",
    params: { ...params, "config.lr": "1e-5", "config.note": "=1+1" },
    tags: { hpc: "leonardo" },
    metrics: { val_loss: [...falling(0.1), "NaN"], accuracy: falling(0.6), epoch: falling(9) },
    user: "grace",
    status: "FAILED",
  });
  await add(global, { name: "wide", params: { ...params, "config.channels": "1024", "config.loss": LOSS.replace("WeightedMSELoss", "CRPS") }, metrics: { val_loss: falling(0.4) } });
  await add(ensemble, { name: "members 8", params: { ...params, "config.members": "8" }, metrics: { val_loss: falling(0.3).slice(0, 20) }, status: "RUNNING" });
  await add(ensemble, { name: "thrown away", params });
  await call(address, "runs/delete", { run_id: runs["thrown away"] });
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** A page that compares these runs. */
async function compare(names, state = "", options = {}) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${address}/#/compare?runs=${names.map((name) => runs[name]).join()}${state}`);
  return { ...opened, tables: tablesOf(opened.page) };
}

function tablesOf(page) {
  const set = page.getByRole("list", { name: "Runs that are compared" });
  return {
    set: set.getByRole("listitem"),
    button: (what, run) => set.getByRole("button", { name: `${what}: ${run}` }),
    differences: page.getByRole("table", { name: "What differs" }),
    values: page.getByRole("table", { name: "Values" }),
  };
}

/** The cells of a row, head first, as they are read. */
async function cells(table, head) {
  const row = table.locator("tbody tr").filter({ has: table.page().getByRole("rowheader", { name: head }) });
  await row.first().waitFor();
  return (await row.locator("th, td").allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim());
}

/** The runs in the address, by name. The page is asked: a key may be answered before its new address is heard of. */
async function order(page) {
  const byId = new Map(Object.entries(runs).map(([name, id]) => [id, name]));
  const hash = await page.evaluate(() => location.hash);
  return new URLSearchParams(hash.split("?")[1]).get("runs").split(",").map((id) => byId.get(id));
}

/** Waits until a table has this run as its base. */
const hasBase = (table, run) => table.getByRole("columnheader").nth(1).filter({ hasText: run }).waitFor();

/** The names of runs in the head of a table. */
async function heads(table) {
  return (await table.getByRole("columnheader").locator(".run-head a").allInnerTexts()).map((text) => text.trim());
}

const ALL = ["baseline", "small lr", "wide", "members 8"];

test("runs of two experiments stand side by side: what differs, and what their metrics come to", async () => {
  const { page, context, tables, mistakes } = await compare(ALL);

  await page.getByText("5 of 35 params, ").waitFor();
  assert.match(await tables.set.nth(3).innerText(), /members 8[^]*ensemble\/crps[^]*Running/);
  assert.deepEqual(await cells(tables.differences, "config.lr"), ["param config.lr", "1e-4", "≠ 1e-5", "1e-4", "1e-4"]);
  assert.deepEqual(await cells(tables.differences, "config.members"), ["param config.members", "not set", "not set", "not set", "≠ 8"]);
  assert.deepEqual(await cells(tables.differences, "status"), ["attribute status", "Finished", "≠ Failed", "Finished", "≠ Running"]);
  assert.equal(await tables.differences.getByRole("rowheader", { name: "config.same.layer_3" }).count(), 0);
  assert.deepEqual(await cells(tables.values, /^val_loss/), ["↓ val_loss", "0.2 best @ 49", "NaN @ 50 1 NaN", "0.4 @ 49", "0.91224 @ 19"]);
  assert.deepEqual(await cells(tables.values, /^accuracy/), ["↑ accuracy", "0.5", "0.6 best", "", ""]);

  assert.deepEqual(await accessibilityFindings(page), []);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("MLflow's own link is understood", async () => {
  const { page, context } = await openPage(browser);
  await page.goto(`${address}/#/compare-runs?runs=["${runs.baseline}","${runs.wide}"]&experiments=["1"]`);
  await page.getByRole("heading", { name: "Compare 2 runs" }).waitFor();
  await cells(tablesOf(page).differences, "config.channels");
  assert.deepEqual(await heads(tablesOf(page).differences), ["baseline", "wide"]);
  await context.close();
});

test("the base is chosen, and comes first; back and forward follow", async () => {
  const { page, context, tables, mistakes } = await compare(ALL);
  await cells(tables.differences, "config.lr");

  await tables.button("Base", "small lr").click();
  assert.deepEqual(await cells(tables.differences, "config.lr"), ["param config.lr", "1e-5", "≠ 1e-4", "≠ 1e-4", "≠ 1e-4"]);
  assert.deepEqual(await heads(tables.values), ["small lr", "baseline", "wide", "members 8"]);
  await page.goBack();
  await hasBase(tables.differences, "baseline");
  assert.deepEqual(await heads(tables.differences), ALL);
  await page.goForward();
  await hasBase(tables.differences, "small lr");
  assert.deepEqual(await heads(tables.differences), ["small lr", "baseline", "wide", "members 8"]);
  await page.reload();
  await cells(tables.differences, "config.lr");
  assert.deepEqual(await heads(tables.differences), ["small lr", "baseline", "wide", "members 8"]);

  assert.deepEqual(mistakes, []);
  await context.close();
});

test("runs are hidden, removed and moved; the keyboard stays where it was", async () => {
  const { page, context, tables, mistakes } = await compare(ALL);
  await cells(tables.differences, "config.lr");

  await tables.button("Hide", "wide").click();
  assert.deepEqual(await heads(tables.differences), ["baseline", "small lr", "members 8"]);
  // What only the hidden run has another value for does not differ among the others.
  assert.equal(await tables.differences.getByRole("rowheader", { name: "config.channels" }).count(), 0);
  await tables.button("Show", "wide").click();
  await cells(tables.differences, "config.channels");

  await tables.button("Move later", "baseline").click();
  assert.deepEqual(await order(page), ["small lr", "baseline", "wide", "members 8"]);
  await page.keyboard.press("Enter");
  assert.deepEqual(await order(page), ["small lr", "wide", "baseline", "members 8"]);
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Move later: baseline");

  await tables.set.filter({ hasText: "members 8" }).dragTo(tables.set.filter({ hasText: "small lr" }));
  assert.deepEqual(await order(page), ["members 8", "small lr", "wide", "baseline"]);

  await tables.button("Remove", "wide").click();
  assert.deepEqual(await order(page), ["members 8", "small lr", "baseline"]);
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Remove: baseline");
  await page.goBack();
  await tables.button("Remove", "wide").waitFor();

  assert.deepEqual(mistakes, []);
  await context.close();
});

test("runs are added by search and from the basket, which going back keeps", async () => {
  const { page, context, mistakes } = await openPage(browser);
  await context.addInitScript((basket) => localStorage.getItem("windvane.basket") ?? localStorage.setItem("windvane.basket", basket), JSON.stringify([runs.wide, runs["small lr"]]));
  await page.goto(`${address}/#/compare`);
  await page.getByText("Choose the runs to compare.").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);

  await page.getByRole("searchbox", { name: "Find runs" }).fill("BASEL");
  await page.getByRole("list", { name: "Runs that are found" }).getByRole("button", { name: "baseline" }).click();
  await page.getByText("Add a run to compare this one with.").waitFor();
  assert.deepEqual(await order(page), ["baseline"]);
  await page.getByRole("button", { name: "Add 2 runs of the basket" }).click();
  await page.getByRole("heading", { name: "Compare 3 runs" }).waitFor();
  assert.deepEqual(await order(page), ["baseline", "wide", "small lr"]);

  await page.getByRole("button", { name: "Add runs" }).click();
  await page.getByRole("searchbox", { name: "Find runs" }).fill(runs["members 8"].slice(0, 12));
  await page.getByRole("list", { name: "Runs that are found" }).getByRole("button").click();
  await page.getByText("All that is found is compared already.").waitFor();
  await page.getByRole("searchbox", { name: "Find runs" }).fill("no run has this name");
  await page.getByText("No run is found.").waitFor();
  await page.keyboard.press("Escape");
  assert.deepEqual(await order(page), ["baseline", "wide", "small lr", "members 8"]);

  await page.goBack();
  await page.getByRole("heading", { name: "Compare 3 runs" }).waitFor();
  assert.deepEqual(await page.evaluate(() => JSON.parse(localStorage.getItem("windvane.basket"))), [runs.wide, runs["small lr"]]);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("runs that cannot be compared are named, and the others are compared", async () => {
  const { page, context, tables, mistakes } = await compare(["baseline", "thrown away", "wide"], `,${"0".repeat(32)},it's`);

  await page.getByText("3 runs cannot be compared.").waitFor();
  await page.getByText(/^thrown away .* is in the trash\.$/).waitFor();
  await page.getByText(`${"0".repeat(32)} does not exist, or is not for you to see.`).waitFor();
  await page.getByText("it's does not exist, or is not for you to see.").waitFor();
  await cells(tables.differences, "config.channels");
  assert.deepEqual(await accessibilityFindings(page), []);

  await page.getByRole("button", { name: "Compare without them" }).click();
  await page.getByText("cannot be compared").waitFor({ state: "detached" });
  assert.deepEqual(await order(page), ["baseline", "wide"]);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("what differs can be filtered, swapped, shown with all that is the same, and saved", async () => {
  const { page, context, tables, mistakes } = await compare(ALL);
  await cells(tables.differences, "config.lr");

  await page.getByRole("searchbox", { name: "Filter what differs" }).fill("param leo lr");
  await page.getByText("Nothing has these words.").waitFor();
  await page.getByRole("searchbox", { name: "Filter what differs" }).fill("lr 1e-5");
  await cells(tables.differences, "config.lr");
  assert.equal(await tables.differences.getByRole("rowheader").count(), 1);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await page.getByRole("searchbox", { name: "Filter what differs" }).fill("config.same");
  assert.deepEqual(await cells(tables.differences, "config.same.layer_0"), ["param config.same.layer_0", "x", "x", "x", "x"]);
  await page.getByRole("searchbox", { name: "Filter what differs" }).fill("");
  await page.getByRole("button", { name: "Differing", exact: true }).click();

  await page.getByRole("button", { name: "Swap" }).first().click();
  assert.match((await cells(tables.differences, "small lr")).join("|"), /≠ 1e-5/);
  assert.deepEqual((await tables.differences.getByRole("columnheader").allInnerTexts()).slice(0, 2).map((text) => text.replace(/\s+/g, " ")), ["Run", "param config.channels"]);
  await page.goBack();
  await cells(tables.differences, "config.lr");

  const saved = await download(page, page.getByRole("region", { name: "What differs", exact: true }));
  assert.equal(saved.name, "differences.csv");
  assert.match(saved.text, /^kind,name,baseline [0-9a-f]{32},small lr [0-9a-f]{32},/);
  assert.match(saved.text, /\r\nparam,config\.lr,1e-4,1e-5,1e-4,1e-4\r\n/);
  assert.match(saved.text, /\r\nparam,config\.note,,'=1\+1,,\r\n/);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("a long value shows in which words it differs from the base", async () => {
  const { page, context, tables, mistakes } = await compare(ALL);
  await cells(tables.differences, "config.loss");

  await tables.differences.locator("td[data-kind=changed]").getByRole("button", { name: /losses\.CRPS/ }).click();
  const dialog = page.getByRole("dialog", { name: "config.loss" });
  assert.deepEqual(await dialog.locator("pre del").allInnerTexts(), ["WeightedMSELoss"]);
  assert.deepEqual(await dialog.locator("pre ins").allInnerTexts(), ["CRPS"]);
  assert.deepEqual(await accessibilityFindings(page), []);
  await dialog.getByRole("button", { name: "Without the base" }).click();
  assert.equal(await dialog.locator("pre").innerText(), LOSS.replace("WeightedMSELoss", "CRPS"));
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });

  assert.deepEqual(mistakes, []);
  await context.close();
});

test("values are the last, the best, or those at a step, with their difference to the base", async () => {
  const { page, context, tables, mistakes } = await compare(ALL);
  await cells(tables.values, /^val_loss/);

  await page.getByRole("button", { name: "Best", exact: true }).click();
  await tables.values.getByText("best").first().waitFor();
  assert.deepEqual(await cells(tables.values, /^val_loss/), ["↓ val_loss", "0.2", "0.1 best 1 NaN", "0.4", "0.91224"]);
  assert.deepEqual(await cells(tables.values, /^accuracy/), ["↑ accuracy", "1.5", "1.6 best", "", ""]);
  assert.deepEqual((await cells(tables.values, /^epoch/)).slice(0, 2), ["↕ epoch", "9 to 10"]);

  await page.getByRole("combobox", { name: "Difference to the base" }).selectOption("pct");
  await tables.values.getByText("−50 %").waitFor();
  assert.deepEqual(await cells(tables.values, /^val_loss/), ["↓ val_loss", "0.2", "0.1 best −50 % 1 NaN", "0.4 +100 %", "0.91224 +356 %"]);
  await tables.values.getByRole("button", { name: "epoch: neither lower nor higher is better" }).click();
  assert.deepEqual((await cells(tables.values, /^epoch/)).slice(0, 2), ["↓ epoch", "9"]);

  await page.getByRole("button", { name: "At step" }).click();
  await page.getByRole("spinbutton", { name: "Step" }).waitFor();
  assert.equal(await page.getByRole("spinbutton", { name: "Step" }).inputValue(), "19");
  await page.getByRole("spinbutton", { name: "Step" }).fill("30");
  await tables.values.getByText("0.58776").first().waitFor();
  await tables.values.getByText("@ 19").first().waitFor();
  await page.getByRole("combobox", { name: "Difference to the base" }).selectOption("abs");
  assert.deepEqual((await cells(tables.values, /^val_loss/)).slice(1, 4), ["0.58776", "0.48776 best −0.1 1 NaN", "0.78776 +0.2"]);
  assert.match(page.url(), /at=30/);

  const saved = await download(page, page.getByRole("region", { name: "Values", exact: true }));
  assert.match(saved.text, /^metric,baseline [0-9a-f]{32},step of baseline [0-9a-f]{32},/);
  assert.match(saved.text, /,difference of small lr [0-9a-f]{32},/);
  assert.match(saved.text, /\r\nval_loss,0\.5877\d+,30,0\.4877\d+,30,-0\.\d+,/);

  await page.getByRole("searchbox", { name: "Filter metrics", exact: true }).fill("acc");
  await tables.values.getByRole("rowheader", { name: "val_loss" }).waitFor({ state: "detached" });
  assert.equal(await tables.values.getByRole("rowheader").count(), 1);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("on a narrow window names have a line of their own, and values are beside the names of a table", async () => {
  for (const width of [820, 390]) {
    const { page, tables, context, mistakes } = await compare(["baseline", "small lr", "wide"], "&tab=differs", { viewport: { width, height: 844 } });
    await tables.differences.waitFor();
    for (const item of await tables.set.all()) {
      const name = item.getByRole("link");
      assert.ok(await name.locator("bdi").first().evaluate((text) => text.scrollWidth <= text.clientWidth + 1), `a name is whole at ${width}`);
      // Both at one moment: the page still scrolls to what differs while its parts come.
      const [above, below] = await item.evaluate((run) => ["a", ".status"].map((part) => run.querySelector(part).getBoundingClientRect().toJSON()));
      assert.ok(above.bottom <= below.top + 1, `a name has a line of its own at ${width}`);
    }
    await page.waitForFunction(() => {
      const box = document.querySelector(".matrix");
      return box.querySelector("tbody th").getBoundingClientRect().width <= box.clientWidth * 0.4 + 1;
    });
    assert.deepEqual(mistakes, []);
    await context.close();
  }
});

test("a link to what differs leads there, and stays there while the rest of the page comes, until one moves", async () => {
  const { page, mistakes, context } = await openPage(browser, { viewport: { width: 1280, height: 600 } });
  const top = () => page.locator('section[aria-label="What differs"]').evaluate((section) => section.getBoundingClientRect().top);
  const held = {};
  // What is above and below has its size only once these are answered.
  for (const question of ["keys", "values"]) {
    const answered = new Promise((resolve) => (held[question] = resolve));
    await page.route(new RegExp(`/windvane/v1/${question}`), async (route) => {
      await answered;
      await route.continue();
    });
  }
  await page.goto(`${address}/#/compare?runs=${[runs.baseline, runs.wide].join()}&tab=differs`);
  await page.getByRole("table", { name: "What differs" }).waitFor();
  held.keys();
  await page.locator("canvas").first().waitFor({ state: "attached" });
  held.values();
  await page.getByRole("table", { name: "Values" }).waitFor();
  // Below the bar, or as far up as the page goes.
  await page.waitForFunction(() => {
    const { top } = document.querySelector('section[aria-label="What differs"]').getBoundingClientRect();
    return scrollY > 0 && top < (scrollY + innerHeight >= document.documentElement.scrollHeight - 1 ? 200 : 80);
  });

  await page.mouse.move(600, 300);
  await page.mouse.wheel(0, -4_000);
  await page.waitForFunction(() => scrollY === 0);
  await page.evaluate(() => (document.querySelector("main").style.paddingBottom = "500px"));
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  assert.equal(await page.evaluate(() => scrollY), 0);
  assert.ok((await top()) > 60);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("of a training all attempts count where x is the whole training", async () => {
  const own = await makeExperiment(address, "resumed");
  const steps = (from, to, value) => Array.from({ length: to - from }, (_, place) => [from + place, value]);
  const first = await makeRun(address, own, { name: "long", metrics: { val_loss: steps(0, 10, 0.5) } });
  const tags = { "mlflow.parentRunId": first, resumedRun: "True" };
  runs.long = await makeRun(address, own, { name: "long", tags, start: Date.UTC(2026, 10, 21), metrics: { val_loss: steps(8, 20, 0.25) } });

  const { page, tables, mistakes, context } = await compare(["baseline", "long"], "&x=joined&at=5");
  await page.getByText("of whole trainings").waitFor();
  assert.deepEqual((await cells(tables.values, /^val_loss/)).slice(1), ["1.098", "0.5 best"]);
  await page.getByLabel("x", { exact: true }).selectOption({ label: "Step" });
  await page.getByText("of whole trainings").waitFor({ state: "detached" });
  await tables.values.getByText("none").first().waitFor();
  assert.deepEqual((await cells(tables.values, /^val_loss/)).slice(1), ["1.098", "none"]);
  assert.deepEqual(mistakes, []);
  await context.close();
});

test("keys: compare the basket, hide what is pointed at, copy the link", async () => {
  const { page, context, tables, mistakes } = await compare(["baseline", "small lr"], "", { permissions: ["clipboard-read", "clipboard-write"] });
  await cells(tables.differences, "config.lr");

  await page.keyboard.press("c");
  await page.getByText("The basket is empty.").waitFor();
  await tables.set.filter({ hasText: "small lr" }).hover();
  await page.keyboard.press("e");
  await page.waitForURL(`**hide=${runs["small lr"]}`);
  await page.keyboard.press("y");
  await page.getByText("The link is copied.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());

  assert.deepEqual(mistakes, []);
  await context.close();
});

test("what fails says so in its place, and the rest goes on", async () => {
  const { page, context } = await openPage(browser);
  await page.route("**/api/windvane/v1/values", (route) => route.fulfill({ status: 503, json: { message: "The disk is away." } }), { times: 1 });
  await page.goto(`${address}/#/compare?runs=${runs.baseline},${runs.wide}`);
  await page.getByText("The values cannot be shown: The disk is away.").waitFor();
  const tables = tablesOf(page);
  await cells(tables.differences, "config.channels");
  await page.getByRole("button", { name: "Retry" }).click();
  await cells(tables.values, /^val_loss/);
  await context.close();
});

test("what is logged meanwhile is shown", async () => {
  const { page, context, tables, mistakes } = await compare(["baseline", "members 8"]);
  await cells(tables.values, /^val_loss/);
  // What is logged before the page looked once at what changes is no change to it.
  await page.getByText("Live", { exact: true }).waitFor();

  await call(address, "runs/log-batch", { run_id: runs["members 8"], metrics: [{ key: "fresh_loss", value: 7, step: 0, timestamp: 1 }], params: [{ key: "fresh", value: "yes" }] });
  assert.deepEqual(await cells(tables.values, /^fresh_loss/), ["↓ fresh_loss", "", "7"]);
  assert.deepEqual(await cells(tables.differences, "fresh"), ["param fresh", "not set", "≠ yes"]);

  assert.deepEqual(mistakes, []);
  await context.close();
});

test("a hundred runs of a thousand keys: only what can be seen is there, and all of it can be reached", async () => {
  const experiment = await makeExperiment(address, "many");
  const made = await forEachOf(Array.from({ length: 101 }), (_, number) =>
    makeRun(address, experiment, {
      name: `run ${number}`,
      params: Object.fromEntries(Array.from({ length: 1_000 }, (_, place) => [`key_${String(place).padStart(3, "0")}`, `${(number * place) % 7}`])),
      metrics: { loss: [number] },
    }),
  );
  const { page, context, mistakes } = await openPage(browser);
  await page.goto(`${address}/#/compare?runs=${made.join()}`);
  await page.getByText("At most 100 runs are compared, the first of 101 in this address.").waitFor();
  const { differences, set } = tablesOf(page);
  await differences.getByRole("rowheader", { name: "key_001" }).waitFor();
  assert.equal(await set.count(), 100);
  assert.equal(await differences.getAttribute("aria-colcount"), "101");
  assert.ok((await differences.locator("td, th").count()) < 600);

  const box = page.getByRole("region", { name: "What differs, table" });
  await box.evaluate((element) => element.scrollTo(element.scrollWidth, element.scrollHeight));
  await differences.getByRole("rowheader", { name: "key_999" }).waitFor();
  assert.equal((await heads(differences)).at(-1), "run 99");
  assert.ok((await differences.locator("td, th").count()) < 600);
  // Its head row and its first column stay in sight. All at one moment: the curves above may still take their room.
  const [corner, head, key] = await box.evaluate((element) => {
    const keys = [...element.querySelectorAll("tbody th")];
    const parts = [element, [...element.querySelectorAll("thead th")].at(-1), keys.find((one) => one.textContent.includes("key_999"))];
    return parts.map((part) => part.getBoundingClientRect().toJSON());
  });
  assert.ok(Math.abs(head.y - corner.y) < 3, "the head row stays");
  assert.ok(Math.abs(key.x - corner.x) < 3, "the first column stays");

  await page.getByRole("button", { name: "Swap" }).first().click();
  await differences.getByRole("rowheader", { name: /^run 0/ }).waitFor();
  assert.equal(await differences.getAttribute("aria-rowcount"), "101");
  assert.ok((await differences.locator("td, th").count()) < 600);
  assert.deepEqual(mistakes, []);
  await context.close();
});

/** What the button CSV of a section saves. */
async function download(page, section) {
  const [file] = await Promise.all([page.waitForEvent("download"), section.getByRole("button", { name: "CSV" }).click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}
