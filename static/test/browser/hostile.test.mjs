// What people with bad intentions write, on every screen that shows it, in a real browser against the real server; what they
// store is in hostile_files.test.mjs.
//
// The cases are those of the browser's side in the list of attacks, and where they are tested:
//
//   BR-01 other host names: tests/it/wire/surroundings.rs a_request_must_name_this_server_unless_it_came_by_a_unix_socket,
//         tests/it/process/surroundings.rs a_request_must_name_this_server
//   BR-02 writes of other sites: tests/it/wire/surroundings.rs a_page_of_another_origin_reads_nothing_and_writes_nothing,
//         tests/it/wire/mod.rs writing_needs_the_content_type_of_json, tests/it/process/surroundings.rs pages_of_other_origins_may_not_write,
//         tests/it/artifacts/browser.rs pages_of_other_sites_neither_store_nor_delete_files
//   BR-03 CORS: tests/it/process/surroundings.rs a_browser_that_asks_first_is_told_what_pages_of_allowed_origins_may_send
//   BR-04 files that hold scripts: hostile_files.test.mjs; artifacts.test.mjs has the headers of their downloads, and
//         tests/it/artifacts/browser.rs no_file_acts_as_a_page_of_the_server_whichever_way_it_is_opened those of every other way
//   BR-05 files that break their readers: hostile_files.test.mjs; artifacts.test.mjs has JSON that is none; what is saved as CSV is
//         here and in test/csv.test.mjs
//   BR-06 scripts in what people write: here; names of accounts and tokens are in accounts.test.mjs, editing of names, tags and notes
//         in run.test.mjs and experiments.test.mjs, pieces of Markdown in test/markdown.test.mjs
//   BR-07 types that come back: tests/it/artifacts/browser.rs what_a_client_says_its_body_is_comes_back_in_no_answer,
//         tests/it/wire/mod.rs writing_needs_the_content_type_of_json
//   BR-08 frames and leaks: here; src/http/ui.rs a_page_is_asked_about_each_time_and_allows_nothing_from_elsewhere,
//         tests/it/process/surroundings.rs every_answer_has_an_id_and_the_headers_that_protect_it
//   BR-09 headers of proxies: tests/it/proxy.rs from_elsewhere_than_the_proxy_its_headers_mean_nothing

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { FORMULA, IMG, LINK, NOTE, ODD, UNSEEN, WORD, openUnguarded } from "./hostile.mjs";
import { call, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { openPage, startBrowser, startServer, startStranger } from "./support.mjs";

/** Names that mean something to JavaScript, to filters or to addresses, as far as the server takes them, and what has them as values. */
const VALUES = {
  ["__proto__"]: IMG,
  constructor: `it's "both"`,
  toString: FORMULA,
  hasOwnProperty: `'`,
  "config.__proto__.x": `x' OR '1'='1`,
  "a and b/c:d": UNSEEN,
  "metrics.x": `"\\`,
  "אבג": "one\ntwo",
  "-1e5": "100%_",
  "javascript:x": WORD,
  ["n".repeat(250)]: LINK,
};
const NAMES = Object.keys(VALUES);

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let experiment;
const runs = {};

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, ODD);
  const gone = await makeExperiment(address, `gone ${ODD}`);
  for (const id of [experiment, gone]) {
    for (const [key, value] of Object.entries({ "mlflow.note.content": NOTE, ["__proto__"]: IMG, constructor: WORD })) {
      await call(address, "experiments/set-experiment-tag", { experiment_id: id, key, value });
    }
  }
  await call(address, "experiments/delete", { experiment_id: gone });
  const metrics = Object.fromEntries(NAMES.flatMap((name) => [name, `system/${name}`.slice(0, 250)]).map((name) => [name, [3, 2, 1]]));
  const source = { "mlflow.source.name": LINK, "mlflow.source.git.repoURL": `${LINK}//https://a.example`, "mlflow.source.git.commit": IMG, command: WORD };
  const tags = { ...VALUES, ...source, "mlflow.note.content": NOTE, hpc: ODD, web: `https://a.example/${IMG.replaceAll(" ", "/")}` };
  runs.evil = await makeRun(address, experiment, { name: ODD, params: VALUES, metrics, tags, user: ODD });
  const dataset = { name: ODD, digest: `<script>hacked=1</script>`, source_type: IMG, source: LINK };
  await call(address, "runs/log-inputs", { run_id: runs.evil, datasets: [{ dataset, tags: [] }] });
  const nested = { "mlflow.parentRunId": runs.evil, forkedRun: "True", forkedRunId: IMG };
  runs.child = await makeRun(address, experiment, { name: WORD, user: FORMULA, params: { constructor: WORD }, metrics: { constructor: [1] }, tags: nested });
  runs.plain = await makeRun(address, experiment, { name: FORMULA, params: { constructor: "plain" }, metrics: { ["__proto__"]: [1, 2] } });
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** A page of ours that nothing but itself guards. */
const open = (t, where, options) => openUnguarded(t, browser, `${address}/${where}`, options);

/** Waits until nothing that is seen waits for an answer; a table that cannot be had keeps the rows of before. */
async function settled(page) {
  await page.waitForFunction(() => {
    const waiting = document.querySelectorAll(".skeleton, .awaited, [aria-busy='true']:not(.stale)");
    return [...waiting].every((part) => part.getBoundingClientRect().top >= innerHeight);
  });
}

const column = (kind, name) => (/[^\p{L}\p{N}_\-./:]/u.test(name) ? `${kind}.\`${name}\`` : `${kind}.${name}`);
const titled = (text) => (page) => page.getByTitle(text, { exact: true }).first();
const text = (words) => (page) => page.getByText(words).first();
const table = (state = "") => `#/experiments/${experiment}/runs${state}`;
const run = (name, tab = "") => `#/experiments/${experiment}/runs/${runs[name]}${tab}`;
const compared = (state = "") => `#/compare?runs=${Object.values(runs).join()}${state}`;
const columns = (...kinds) => encodeURIComponent(["name", "user", "note", ...kinds.flatMap((kind) => NAMES.map((name) => column(kind, name)))].join());

/** The address, and where what was written is seen, as text. */
const SCREENS = {
  experiments: () => ["#/", titled(ODD)],
  "experiments, filtered": () => [`#/experiments?q=${encodeURIComponent(`"><img`)}`, titled(ODD)],
  "experiments in the trash": () => ["#/experiments?state=deleted", titled(`gone ${ODD}`)],
  runs: () => [table(), titled(ODD)],
  "params and tags as columns": () => [table(`?flat=1&cols=${columns("params", "tags")}`), titled(IMG)],
  "metrics and curves as columns": () => [table(`?flat=1&cols=${columns("metrics", "curve")}&sort=-metrics.__proto__`), titled(ODD)],
  "runs and charts": () => [table("?show=both"), (page) => page.locator("canvas").first()],
  charts: () => [table("?show=charts&y=__proto__@log&x=metrics.constructor&with=constructor%2B__proto__"), titled("constructor + __proto__")],
  "relations in parallel": () => [table("?flat=1&show=relations&rm=metrics.constructor"), (page) => page.locator(".relation").first()],
  "relations as boxes": () => [table(`?flat=1&show=relations&rel=box&rg=${encodeURIComponent(column("params", IMG))}`), (page) => page.getByRole("button", { name: "Box", pressed: true })],
  "relations of what is not there": () => [table(`?flat=1&show=relations&rel=scatter&rx=${encodeURIComponent(IMG)}&ry=__proto__&rc=constructor&brush=${LINK}&axes=constructor`), (page) => page.getByRole("button", { name: "Scatter", pressed: true })],
  "groups by a param": () => [table(`?group=${encodeURIComponent("params.constructor")}`), (page) => page.locator(".group-box").first()],
  "groups by what means nothing": () => [table(`?group=${encodeURIComponent(IMG)}`), text("Runs cannot be grouped by")],
  "a mistake in a search": () => [table(`?q=${encodeURIComponent(`params.x = ${IMG}`)}`), text("The search has a mistake.")],
  "a search that finds nothing": () => [table(`?q=${encodeURIComponent(`params.x = '${IMG}${WORD.slice(0, 500)}'`)}`), text("The filter hides")],
  "a state that means nothing": () => [table(`?cols=${encodeURIComponent(`__proto__,tags.,${IMG}`)}&sort=constructor&sel=${LINK}&open=__proto__&x=${LINK}&pin=${LINK}`), titled(ODD)],
  "a run": () => [run("evil"), (page) => page.getByRole("heading", { level: 1, name: "{{7*7}}" })],
  "a run without a name worth it": () => [run("child"), text("nested in")],
  metrics: () => [run("evil", "/model-metrics"), titled("__proto__")],
  "system metrics": () => [run("evil", "/system-metrics"), titled("system/__proto__")],
  params: () => [run("evil", "/params"), text(IMG)],
  "params, flat": () => [run("evil", "/params?flat=1"), text(IMG)],
  "params, searched": () => [run("evil", `/params?q=${encodeURIComponent(WORD.slice(0, 500))}x`), text("None of 11 params has")],
  "a file that is not there": () => [run("evil", `/artifacts/${encodeURIComponent(IMG)}`), text("This run has no artifacts.")],
  lineage: () => [run("child", "/lineage"), titled(ODD)],
  comparison: () => [compared(), titled(ODD)],
  "comparison, swapped": () => [compared("&swap=1&all=1"), titled(ODD)],
  "comparison of what is not there": () => [`#/compare?runs=${runs.evil},${encodeURIComponent(IMG)},__proto__`, text("2 runs cannot be compared.")],
  "images that are not there": () => [compared(`&img=${encodeURIComponent(IMG)}&step=${LINK}&origin=1`), titled(ODD)],
  storage: () => ["#/admin/storage", (page) => page.getByRole("heading", { level: 1, name: "Storage" })],
  "roles of an experiment": () => [`#/admin/roles/${experiment}`, (page) => page.getByRole("heading", { level: 1, name: "Roles" })],
  "a view that is not there": () => [`#/views/${encodeURIComponent(IMG)}`, (page) => page.locator(".empty").first()],
  "an address that means nothing": () => [`#/${encodeURIComponent(IMG)}`, text("There is no such page.")],
  "an address that means something to JavaScript": () => ["#constructor", text("There is no such page.")],
};

test("every screen shows as text what people wrote", async (t) => {
  const { page, judge } = await open(t, "");
  for (const [name, screen] of Object.entries(SCREENS)) {
    const [where, sight] = screen();
    await page.goto(`${address}/${where}`);
    await sight(page).waitFor();
    await settled(page);
    await judge(name);
  }
});

test("what opens over a screen shows as text what people wrote", async (t) => {
  const { page, judge } = await open(t, table(`?flat=1&cols=name,user,${encodeURIComponent(column("tags", "toString"))}`), { permissions: ["clipboard-read", "clipboard-write"] });
  const row = page.getByRole("row").filter({ hasText: IMG });
  const dialog = page.getByRole("dialog");
  await row.waitFor();

  await page.getByRole("button", { name: "Columns", exact: true }).click();
  for (const part of ["Metrics", "Params", "Tags"]) await page.getByRole("region", { name: part }).getByText("constructor").waitFor();
  await page.getByRole("searchbox", { name: "Search columns" }).fill("__proto__");
  await page.getByRole("region", { name: "Params" }).getByRole("checkbox", { name: "__proto__" }).first().check();
  await judge("the columns");
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "__proto__" }).waitFor();

  for (const [chip, words] of [["User", FORMULA], ["Tag", "__proto__"]]) {
    await page.locator(".chips").getByRole("button", { name: chip }).click();
    await page.locator(".menu-panel .menu-item:visible").filter({ hasText: words }).first().waitFor();
    await judge(chip);
    await page.keyboard.press("Escape");
  }
  // The column that was added just now: the menu of a cell that is still empty stays without its value.
  const cell = row.getByRole("gridcell").nth(3);
  await cell.locator("bdi").waitFor();
  await cell.click({ button: "right" });
  await page.getByRole("menuitem", { name: /^Only/ }).waitFor();
  await judge("the menu of a cell");
  await page.getByRole("menuitem", { name: "Rename…" }).click();
  assert.equal(await dialog.getByLabel("Name").inputValue(), ODD.replace("\n", ""));
  await judge("another name");
  await page.keyboard.press("Escape");
  // Of a long name the table has the beginning; the dialog must not take away the rest.
  await page.getByRole("row").filter({ hasText: "www" }).getByRole("gridcell").nth(1).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Rename…" }).click();
  assert.ok((await dialog.getByLabel("Name").inputValue()).length > 1_000);
  await page.keyboard.press("Escape");
  await row.getByRole("checkbox").check();
  await page.getByRole("toolbar").getByRole("button", { name: "Tag" }).click();
  await dialog.getByLabel("Name").fill(IMG);
  await dialog.getByRole("button", { name: "Set the tag" }).click();
  await dialog.getByText("Names may only contain").waitFor();
  await judge("a tag that is refused");
  await dialog.getByLabel("Name").fill("valueOf");
  await dialog.getByLabel("Value").fill(IMG);
  await dialog.getByRole("button", { name: "Set the tag" }).click();
  await page.getByText("Set tag valueOf of 1 run").waitFor();
  await page.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
  await dialog.waitFor();
  await judge("the question whether to delete");
  await page.keyboard.press("Escape");
  await page.getByRole("toolbar").getByRole("button", { name: "Add to basket" }).click();
  await page.getByText("1 run put into the basket").waitFor();

  for (const [typed, found] of [[`"><img`, ODD], ["www", WORD], ["=cmd", FORMULA]]) {
    await page.keyboard.press("Control+k");
    await dialog.getByRole("combobox").fill(typed);
    await dialog.getByRole("option").filter({ hasText: found.slice(0, 12) }).first().waitFor();
    await judge(`the palette with ${typed}`);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }
  await page.getByRole("banner").getByRole("button", { name: IMG }).click();
  await page.getByRole("option", { name: IMG }).waitFor();
  await judge("the switcher");
  await page.keyboard.press("Escape");

  await page.goto(`${address}/${run("evil")}`);
  await page.getByText(/^\d+ tags of MLflow$/).click();
  await page.getByRole("region", { name: "Tags" }).getByText(LINK).first().waitFor();
  const more = page.getByRole("button", { name: /^All [\d,]+ characters$/ });
  for (let left = await more.count(); left > 0; left -= 1) await more.first().click();
  await page.getByRole("button", { name: "Edit" }).first().click();
  await judge("all there is of a run");
  await page.goto(`${address}/${run("evil", "/model-metrics")}`);
  await page.getByRole("button", { name: /^What can be done with/ }).first().click();
  await judge("the menu of a chart");
  await page.goto(`${address}/${compared()}`);
  await page.locator("td[data-kind=changed]").getByRole("button").first().click();
  await dialog.locator("pre ins").first().waitFor();
  await judge("words that differ");
  await page.keyboard.press("Escape");

  await page.goto(`${address}/#/`);
  for (const [what, button] of [["Rename", "Rename"], ["Describe", "Save"]]) {
    await page.getByRole("button", { name: `Actions for ${IMG}` }).first().click();
    await page.getByRole("button", { name: what }).click();
    await dialog.getByRole("button", { name: button }).waitFor();
    await judge(`an experiment: ${what}`);
    await page.keyboard.press("Escape");
  }
});

test("a cell finds the run that has its value, whatever quotes that has, or offers nothing", async (t) => {
  const { page, judge } = await open(t, "");
  const line = page.getByRole("combobox", { name: "Search runs" });
  const row = page.getByRole("row").filter({ hasText: IMG });
  for (const [name, value] of Object.entries(VALUES)) {
    for (const kind of ["params", "tags"]) {
      const field = column(kind, name);
      await page.goto(`${address}/${table(`?flat=1&cols=name,${encodeURIComponent(field)}`)}`);
      await page.getByTitle(`Sort by ${kind.slice(0, -1)} ${name}`, { exact: true }).waitFor();
      await row.getByRole("gridcell").last().locator("bdi").waitFor();
      // Not the row that the search before found alone: it moves when the others come back.
      await page.waitForFunction(() => document.querySelectorAll(".grid-row").length === 3 && document.querySelector(".stale") === null);
      await row.getByRole("gridcell").last().click({ button: "right" });
      await page.getByRole("menuitem", { name: "Open", exact: true }).waitFor();
      const only = page.getByRole("menuitem", { name: /^Only/ });
      if (/'.*"/s.test(value) || value.length > 200) {
        assert.equal(await only.count(), 0, `${field} has no quotes that hold it`);
        await page.keyboard.press("Escape");
        continue;
      }
      await only.click();
      await page.waitForFunction(() => document.querySelectorAll(".grid-row").length === 1 && document.querySelector(".stale") === null);
      assert.equal(await row.count(), 1, field);
      assert.ok((await line.inputValue()).startsWith(`${field} = `));
      // The address says it too.
      await page.reload();
      await row.waitFor();
      assert.equal(await page.locator(".grid-row").count(), 1, field);
      await judge(field);
    }
  }
});

test("names and values that the parser offers are taken with the quotes that they need", async (t) => {
  const { page, judge } = await open(t, table("?flat=1"));
  const line = page.getByRole("combobox", { name: "Search runs" });
  const pick = async (label) => {
    await page.getByRole("option").filter({ hasText: label }).first().click();
  };
  for (const [typed, name, value] of [["params.__p", "__proto__", IMG], ["tags.`a an", "a and b/c:d", null], ["params.toS", "toString", FORMULA]]) {
    await line.fill("");
    await line.pressSequentially(typed);
    await pick(name);
    await judge(`the names after ${typed}`);
    if (value === null) continue;
    await line.pressSequentially("= ");
    await pick(value);
    await line.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll(".grid-row").length === 1);
    await page.getByRole("row").filter({ hasText: IMG }).waitFor();
    await judge(`the values of ${name}`);
  }
});

/** The cells of a CSV file, without their quotes. */
function cellsOf(csv) {
  return [...csv.matchAll(/(?<=^|,|\r\n)(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(?=,|\r\n|$)/g)].map(([, quoted, bare]) => (quoted ?? bare).replaceAll('""', '"'));
}

test("what is saved or copied acts in no other program, and loses nothing", async (t) => {
  const { page, judge } = await open(t, table(`?flat=1&cols=${columns("params", "tags", "metrics")}`), { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("row").filter({ hasText: IMG }).waitFor();
  const saved = async (button) => {
    const download = page.waitForEvent("download");
    await button.click();
    return readFile(await (await download).path(), "utf8");
  };
  const files = [await saved(page.getByRole("button", { name: "CSV" }))];
  await page.goto(`${address}/${compared("&all=1")}`);
  for (const name of ["What differs", "Values"]) files.push(await saved(page.getByRole("region", { name, exact: true }).getByRole("button", { name: "CSV" })));
  for (const file of files) {
    const cells = cellsOf(file);
    assert.ok(cells.some((cell) => cell.startsWith(`'${FORMULA}`)), "a formula is there, as text");
    assert.deepEqual(cells.filter((cell) => /^[=+\-@\t\r\n]/.test(cell) && Number.isNaN(Number(cell))), []);
  }
  for (const value of [IMG, VALUES.constructor, VALUES["config.__proto__.x"], "one\ntwo", UNSEEN]) assert.ok(cellsOf(files[0]).includes(value), value);

  await page.goto(`${address}/${run("evil", "/params")}`);
  await page.getByRole("button", { name: "JSON" }).click();
  await page.getByText("Copied 11 params as JSON").waitFor();
  const json = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual([Object.hasOwn(json, "__proto__"), json.constructor, json.toString, json["אבג"]], [true, VALUES.constructor, FORMULA, "one\ntwo"]);
  await page.getByRole("button", { name: "YAML" }).click();
  await page.getByText("Copied 11 params as YAML").waitFor();
  const yaml = await page.evaluate(() => navigator.clipboard.readText());
  // A line for each param, and one for each part of a name that holds others; no value begins a line.
  assert.equal(yaml.trimEnd().split(/[\n\u0085\u2028]/).length, 11 + 3);
  await judge("copied");
});

test("what is nested without end is shown within the window", async (t) => {
  const dots = Object.fromEntries(Array.from({ length: 100 }, (_, place) => [`${"a.".repeat(place)}b`, "deep"]));
  const deep = await makeRun(address, experiment, { name: "deep", params: dots, tags: { "mlflow.note.content": `${">".repeat(1_500)} deep` } });
  const chain = await forEachOf(Array.from({ length: 300 }), (_, place) => makeRun(address, experiment, { name: `link ${place}`, status: "RUNNING" }));
  await forEachOf(chain.slice(1), (link, place) => call(address, "runs/set-tag", { run_id: link, key: "mlflow.parentRunId", value: chain[place] }));
  const slashes = await makeExperiment(address, "a/".repeat(249) + "a");
  await makeExperiment(address, "a/".repeat(100) + "b");
  const { page, judge } = await open(t, table(`/${deep}`));
  await page.getByRole("region", { name: "Note", exact: true }).getByText("deep").waitFor();
  await judge("the note");
  await page.goto(`${address}/${table(`/${deep}/params`)}`);
  await page.getByRole("button", { name: "Open all" }).click();
  await judge("the params");
  await page.goto(`${address}/${table(`/${chain[0]}/lineage`)}?show=list`);
  await page.getByText("link 299").waitFor();
  await judge("the lineage");
  await page.goto(`${address}/#/experiments/${slashes}/runs`);
  await page.getByText("There are no runs yet.").waitFor();
  await judge("an experiment with a long name");
});

test("a page of another site shows nothing of ours in a frame, and ours takes no script from its own text", async (t) => {
  const { context, page } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(`http://elsewhere.example:${await startStranger(t)}/`);
  for (const path of ["/", "/login", `/api/2.0/mlflow/experiments/get?experiment_id=${experiment}`]) {
    const refused = page.waitForEvent("requestfailed");
    await page.evaluate((src) => document.body.replaceChildren(Object.assign(document.createElement("iframe"), { src })), address + path);
    const request = await refused;
    assert.deepEqual([request.url(), request.failure().errorText], [address + path, "net::ERR_BLOCKED_BY_RESPONSE"]);
  }

  await page.goto(`${address}/#/`);
  await titled(ODD)(page).waitFor();
  const ran = await page.evaluate(async (img) => {
    const stopped = new Promise((found) => document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => found(violatedDirective)));
    document.querySelector("main").insertAdjacentHTML("beforeend", img);
    return [await stopped, "hacked" in window];
  }, IMG.slice(2));
  assert.deepEqual(ran, ["script-src-attr", false]);
});
