// What people with bad intentions write, on every screen that shows it, in a real browser against the real server.
//
// The cases are those of "Browser side" in the design of the security tests:
//
//   BR-01 other host names            tests/it/wire.rs a_request_must_name_this_server_unless_it_came_by_a_unix_socket,
//                                     tests/it/process.rs a_request_must_name_this_server
//   BR-02 writes of other sites       tests/it/wire.rs a_page_of_another_origin_reads_nothing_and_writes_nothing, writing_needs_the_content_type_of_json,
//                                     tests/it/process.rs pages_of_other_origins_may_not_write,
//                                     tests/it/artifacts/browser.rs pages_of_other_sites_neither_store_nor_delete_files, and accounts.test.mjs
//   BR-03 CORS                        tests/it/process.rs a_browser_that_asks_first_is_told_what_pages_of_allowed_origins_may_send
//   BR-04 files that hold scripts     here "no file acts"; artifacts.test.mjs "what could act is not opened here" (headers of the download);
//                                     tests/it/artifacts/browser.rs no_file_acts_as_a_page_of_the_server_whichever_way_it_is_opened
//   BR-05 files that break readers    here "no file acts", "a file without end", "a folder without end", "what is saved or copied";
//                                     artifacts.test.mjs has JSON that is none, and the first part of a large log; test/csv.test.mjs
//   BR-06 scripts in what people      here "every screen", "what opens", "nested without end", "a cell finds";
//         write                       names of accounts and tokens in accounts.test.mjs, of experiments that are made and described in
//                                     experiments.test.mjs, edits of tags and notes in run.test.mjs, pieces of Markdown in test/markdown.test.mjs
//   BR-07 types that are reflected    tests/it/artifacts/browser.rs what_a_client_says_its_body_is_comes_back_in_no_answer,
//                                     tests/it/wire.rs writing_needs_the_content_type_of_json
//   BR-08 frames and leaks            tests/it/process.rs every_answer_has_an_id_and_the_headers_that_protect_it
//   BR-09 headers of proxies          tests/it/proxy.rs from_elsewhere_than_the_proxy_its_headers_mean_nothing
//
// The policy of the pages (CSP) would stop most scripts. It is off here, so that no mistake of the pages hides behind it.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { call, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { freshData, openPage, serve, startBrowser } from "./support.mjs";

const IMG = `"><img src=x onerror="hacked=1">`;
const SCRIPT = `</script><script>hacked=1</script>`;
const LINK = "javascript:hacked=1";
/** Turned direction, no width, a bell, a colour of terminals, DEL, ends of lines, and a family in one picture. */
const UNSEEN = "\u202egnp.exe\u2066\u200b\ufeff\u0007\u001b[31m\u007f\u0085\u2028👩‍👩‍👧‍👦";
const ODD = `${IMG}${SCRIPT}{{7*7}} \${7*7} \`b\` #a?b=%2e%2e%2f&c+d ${UNSEEN}\nsecond line`;
const WORD = "w".repeat(10_000);
const FORMULA = `=cmd|' /C calc'!A0`;
const NOTE = `# ${IMG}

${SCRIPT} [a](${LINK}) [b](JaVaScRiPt:hacked=1) [c](&#106;avascript:hacked=1) [d](data:text/html,${SCRIPT}) <${LINK}> ![e](${LINK})
<a href="${LINK}">f</a> <iframe srcdoc="${SCRIPT}"></iframe> [web](https://a.example/${IMG}) {{7*7}}

|${IMG}|${WORD.slice(0, 5_000)}|
|-|-|
|[g](//b.example)|${UNSEEN}|`;

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

/** What Chromium itself writes to the console where the server refuses a search, as it should. */
const REFUSED = /^Failed to load resource: .* status of 400/;

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let data;
let experiment;
const runs = {};

before(async () => {
  data = await freshData(shared);
  address = await serve(shared, data);
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

/** A page without a policy of its own, and what it must never do. */
async function open(t, where, options = {}) {
  const { context, page, mistakes } = await openPage(browser, { bypassCSP: true, viewport: { width: 1280, height: 800 }, ...options });
  t.after(() => context.close());
  page.on("dialog", (dialog) => {
    mistakes.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("crash", () => mistakes.push("the page crashed"));
  await page.goto(`${address}/${where}`);
  /** Judges the page as it stands. */
  const judge = async (what) => {
    assert.deepEqual(await page.evaluate(findings), [], what);
    assert.deepEqual(mistakes.filter((mistake) => !REFUSED.test(mistake)), [], what);
  };
  return { page, mistakes, judge };
}

/** What is wrong in a page: runs in the page. */
function findings() {
  const found = [];
  if ("hacked" in window) found.push("a script ran");
  if (Object.prototype.x !== undefined || Object.prototype.polluted !== undefined) found.push("all objects were changed");
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`${scrollWidth - clientWidth} px wider than the window`);
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "srcdoc") found.push(`<${element.localName} ${name}>`);
      if (!["href", "src", "action", "formaction", "xlink:href", "data", "poster"].includes(name)) continue;
      const { protocol, origin } = new URL(value, location.href);
      if (!["http:", "https:", "mailto:"].includes(protocol)) found.push(`<${element.localName} ${name}="${value}">`);
      if (origin !== location.origin && (element.localName !== "a" || !element.relList.contains("noreferrer"))) found.push(`leads elsewhere: ${value}`);
    }
    if (["iframe", "object", "embed", "base"].includes(element.localName)) found.push(`<${element.localName}>`);
  }
  return found;
}

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
  await row.getByRole("gridcell").nth(3).click({ button: "right" });
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
      await page.getByRole("columnheader", { name: name.replace("config.", "") }).waitFor();
      await row.getByRole("gridcell").last().locator("bdi").waitFor();
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
  await page.goto(`${address}/${table(`/${chain[0]}/lineage`)}`);
  await page.getByText("link 299").waitFor();
  await judge("the lineage");
  await page.goto(`${address}/#/experiments/${slashes}/runs`);
  await page.getByText("There are no runs yet.").waitFor();
  await judge("an experiment with a long name");
});

/** A black picture of two colours: thousands of points in a few bytes. */
function png(width, height) {
  const chunk = (type, body) => {
    const framed = Buffer.alloc(body.length + 12);
    framed.writeUInt32BE(body.length, 0);
    framed.write(type, 4);
    body.copy(framed, 8);
    framed.writeUInt32BE(crc32(framed.subarray(4, -4)), body.length + 8);
    return framed;
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const sign = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([sign, chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height))), chunk("IEND", Buffer.alloc(0))]);
}

/** A picture that is a script as well: its width is the beginning of a comment, which ends behind it. */
const POLYGLOT = Buffer.concat([
  Buffer.from("GIF89a/*"),
  Buffer.from([1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4c, 1, 0, 0x3b]),
  Buffer.from("*/=1;hacked=1"),
]);
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="hacked=1"><script>hacked=1</script></svg>`;
const NOT_OPENED = /Files of this kind can hold scripts/;
const NO_PICTURE = /This image cannot be shown/;
/** Files, and what is said or seen of each. */
const FILES = [
  ["page.html", `<script>hacked=1</script>`, NOT_OPENED],
  ["page.xhtml", `<html xmlns="http://www.w3.org/1999/xhtml"><script>hacked=1</script></html>`, NOT_OPENED],
  ["drawing.svg", SVG, NOT_OPENED],
  ["sheet.xml", `<?xml-stylesheet type="text/xsl" href="${LINK}"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">hacked=1</x:script>`, /xml-stylesheet/],
  ["book.ipynb", JSON.stringify({ cells: [{ outputs: [{ data: { "application/javascript": "hacked=1", "text/html": IMG } }] }] }), /application\/javascript/],
  ["README.md", NOTE, /\{\{7\*7\}\}/],
  ["deep.md", "> ".repeat(5_000) + "deep", /deep/],
  ["both.gif", POLYGLOT, /10799 × 1/],
  ["script.png", `<script>hacked=1</script>`, NO_PICTURE],
  ["drawing.png", SVG, NO_PICTURE],
  ["picture.jpg", png(3, 2), /3 × 2/],
  ["cut.png", png(800, 600).subarray(0, 60), /800 × 600|cannot be shown/],
  ["none.png", "", /This file is empty/],
  ["huge.png", png(20_000, 20_000), /20000 × 20000|cannot be shown/],
  ["absurd.png", Buffer.concat([png(1, 1).subarray(0, 16), Buffer.alloc(8, 0x7f), png(1, 1).subarray(24)]), NO_PICTURE],
  ["deep.json", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}${" ".repeat(300_000)}`, /1 key/],
  ["wide.json", JSON.stringify(Array.from({ length: 100_000 }, (_, place) => place)), /100,000 items/],
  ["proto.json", `{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "toString": ${JSON.stringify(IMG)}}`, /polluted/],
  ["bomb.yaml", `a: &a [${SCRIPT}]\n${Array.from({ length: 9_000 }, (_, place) => `b${place}: &b${place} [${`*a, `.repeat(9)}*a]\n`).join("")}`, /a: &a/],
  ["MLmodel", "python_function: !!python/object/apply:os.system ['id']\n", /!!python/],
  ["sums.csv", `name,value\n${FORMULA},1\n`, /=cmd/],
  ["one_line.txt", "x".repeat(5_000_000), /The first 1\.0 MB of 5\.0 MB/],
  ["marks.txt", `before ${UNSEEN} after`, /before/],
  [`${"n".repeat(246)}.txt`, "of a long name", /of a long name/],
  [`${IMG.replaceAll("/", "")} ?&+%25 'q' {{7*7}} 👩‍👩‍👧‍👦.txt`, "of an odd name", /of an odd name/],
  ["\u202egnp.txt", "turned", /turned/],
  ["__proto__/constructor/toString", "no data", /There is no view for files of this kind/],
  [`${Array.from({ length: 60 }, () => "folder").join("/")}/file.txt`, "deep down", /deep down/],
];

async function put(of, path, body) {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const url = `${address}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${of}/artifacts/${encoded}`;
  const answer = await fetch(url, { method: "PUT", body, duplex: "half" });
  assert.equal(answer.status, 200, `${path}: ${await answer.text()}`);
}

/** The most that a page may hold, MB. Most of these take less than 10, a part of a log 33, and 2,000 files in two lists 77. */
const MOST_MB = 100;

/** Judges what the page holds, once what it does not need any more is gone. */
async function isHeld(page, what) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  const mb = (usedSize + embedderHeapUsedSize + backingStorageSize) / 1e6;
  assert.ok(mb < MOST_MB, `${what} takes ${mb} MB`);
}

/** A page that is alive goes to another tab. */
async function goesOn(page) {
  await page.getByRole("link", { name: "Params" }).click();
  await page.getByText("This run has no params.").waitFor();
}

test("no file acts, or stops the page: each is shown, or it is said why not", async (t) => {
  const files = await makeRun(address, experiment, { name: "files" });
  await forEachOf(FILES, ([path, body]) => put(files, path, body));
  const { page, judge } = await open(t, table(`/${files}/artifacts`));
  for (const [path, , sight] of FILES) {
    await page.goto(`${address}/${table(`/${files}/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`)}`);
    await page.getByRole("region", { name: "File", exact: true }).getByText(sight).first().waitFor();
    await judge(path);
    await isHeld(page, path);
    await goesOn(page);
  }
});

test("a file without end is read a part at a time, and only so much of it is held", async (t) => {
  const long = await makeRun(address, experiment, { name: "a long log" });
  const piece = Buffer.from(`step ${"0".repeat(59)}\n`.repeat(32_768));
  const pieces = async function* () {
    for (let sent = 0; sent < 200_000_000; sent += piece.length) yield piece;
  };
  await put(long, "terminal_log.txt", ReadableStream.from(pieces()));
  const { page, judge } = await open(t, table(`/${long}/artifacts/terminal_log.txt`));
  await page.getByText("The first 1.0 MB of 200 MB.").waitFor();
  const more = page.getByRole("button", { name: "Show 1.0 MB more" });
  for (let shown = 1; shown < 16; shown += 1) {
    await more.click();
    await page.getByText(new RegExp(`^The first ${shown + 1}(\\.0)? MB of 200 MB\\.`)).waitFor();
  }
  await page.getByText("For more, go to the end or download it.").waitFor();
  assert.equal(await more.count(), 0);
  await judge("as much as is held");
  await isHeld(page, "a part of a log");
  await page.getByRole("button", { name: "Go to the end" }).click();
  await page.getByText("The last 1.0 MB of 200 MB.").waitFor();
  await goesOn(page);
  await page.goto(`${address}/${table(`/${long}`)}`);
  await page.getByRole("region", { name: "Last lines of the log" }).getByText("step 0").waitFor();
});

test("a folder without end is read a page at a time", async (t) => {
  const many = await makeRun(address, experiment, { name: "many files" });
  const folder = join(data, "artifacts", experiment, many, "artifacts", "f");
  mkdirSync(folder, { recursive: true });
  // By way of the disk, as those who share it could: 20,000 uploads would take minutes.
  for (let place = 0; place < 20_000; place += 1) writeFileSync(join(folder, `${place}.txt`), "");
  const { page, judge } = await open(t, table(`/${many}/artifacts/f`));
  await page.getByText("20,000 entries").waitFor();
  for (const left of ["19,500", "19,000", "18,500"]) await page.locator(".tree").getByText(`Show more (${left} left)`).click();
  await page.locator(".tree").getByText("Show more (18,000 left)").waitFor();
  await judge("2,000 files");
  await isHeld(page, "2,000 of 20,000 files");
  await goesOn(page);
});
