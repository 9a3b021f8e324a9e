// Files of people with bad intentions, as the artifacts of a run, in a real browser against the real server: none acts, none stops
// the page. The cases are BR-04 and BR-05 of the list in hostile.test.mjs.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { FORMULA, IMG, LINK, NOTE, SCRIPT, UNSEEN, openUnguarded } from "./hostile.mjs";
import { forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { freshData, serve, startBrowser } from "./support.mjs";

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
  const { page, judge } = await openUnguarded(t, browser, at(files));
  for (const [path, , sight] of FILES) {
    await page.goto(at(files, path));
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
