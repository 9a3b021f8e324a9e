// How files are shown that are more than text: tables, folded YAML, notebooks, documents, pages, sound and film; and searches of files
// without end.

import assert from "node:assert/strict";
import { mkdirSync, openSync, writeSync, ftruncateSync, closeSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pdf, png, putFile, wav } from "./files.mjs";
import { makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, freshData, openPage, serve, startBrowser } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let data;
let experiment;
let run;

const YAML = `# written by hand
training:
  lr:
    rate: 1e-4
  tagged: !!python/object/apply:os.system ['id']
list:
- &a one
- *a
`;
const CSV = `step,loss,note\n1,0.5,"a ""quoted"", one"\n2,NaN,"two\nlines"\n3,1e-3\n4,2,=cmd(),more\n`;
const SCRIPT = "document.body.append('it ran'); document.title = 'owned'";
const FILES = {
  "config.yaml": YAML,
  "table.csv": CSV,
  "semicolons.csv": "a;b\n1,5;2\n",
  "tabs.tsv": "a\tb\nx,y\t2\n",
  "wide.csv": `${Array.from({ length: 120 }, (_, place) => `column ${place}`).join()}\n${"1,".repeat(119)}1\n`,
  "sixteen.csv": Buffer.from("\ufeffa,b\n1,2\n", "utf16le"),
  "sixteen.json": Buffer.from("{}", "utf16le"),
  "book.ipynb": JSON.stringify({
    nbformat: 4,
    cells: [
      { cell_type: "markdown", source: ["# A notebook\n", "<b>raw</b>"] },
      { cell_type: "code", execution_count: 7, source: "plot()", outputs: [
        { output_type: "stream", name: "stdout", text: ["\u001b[31mred\u001b[0m\n"] },
        { output_type: "display_data", data: { "image/png": png(30, 20).toString("base64") } },
        { output_type: "display_data", data: { "application/javascript": SCRIPT } },
      ] },
    ],
  }),
  "odd.ipynb": "{}",
  "page.html": `<!doctype html><style>p { color: rgb(1, 2, 3) }</style><p>A report</p><script>${SCRIPT}</script>`,
  "drawing.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><text y="20">A drawing</text></svg>`,
  "paper.pdf": pdf(),
  "cut.pdf": pdf().slice(0, 300),
  "lie.pdf": `<script>${SCRIPT}</script>`,
  "tone.wav": wav(),
  "noise.mp3": "no sound",
  "film.mp4": "no film",
  "large.json": JSON.stringify(Array.from({ length: 200_000 }, (_, place) => `item ${place}`)),
};

before(async () => {
  data = await freshData(shared);
  address = await serve(shared, data);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "viewers");
  run = await makeRun(address, experiment, { name: "with files" });
  for (const [path, body] of Object.entries(FILES)) await putFile(address, experiment, run, path, body);
});

after(async () => {
  for (const end of shared.ends) await end();
});

async function openFile(t, path, options = {}) {
  const { context, page, mistakes } = await openPage(browser, options);
  t.after(() => context.close());
  await page.goto(`${address}/#/experiments/${experiment}/runs/${run}/artifacts/${encodeURIComponent(path)}`);
  return { page, mistakes };
}

/** Writes a file by way of the disk: large ones would take minutes otherwise. Behind its beginning it has zeros up to its size. */
function onDisk(path, beginning, size = 0) {
  const file = join(data, "artifacts", experiment, run, "artifacts", path);
  mkdirSync(dirname(file), { recursive: true });
  const open = openSync(file, "w");
  writeSync(open, beginning);
  if (size > 0) ftruncateSync(open, size);
  closeSync(open);
}

test("YAML is the text as it was written, folded by how far it is indented", async (t) => {
  const { page, mistakes } = await openFile(t, "config.yaml");

  await page.getByText("tagged: !!python/object/apply:os.system ['id']").waitFor();
  await page.getByText("- *a", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Line 2 and 3 below" }).click();
  await page.getByText("3 lines more").waitFor();
  assert.equal(await page.getByText("rate: 1e-4").count(), 0);
  await page.getByRole("button", { name: "Unfold all" }).click();
  await page.getByRole("button", { name: "Fold all" }).click();
  assert.equal(await page.locator(".line").count(), 3);
  await page.getByPlaceholder("Find").fill("1e-4");
  await page.locator("mark[aria-current]").waitFor();
  assert.equal(await page.getByText("- *a").count(), 0, "the list is still folded");
  assert.deepEqual(mistakes, []);
});

test("a table has a head, rows and numbers at the right; what is odd about it stays", async (t) => {
  const { page, mistakes } = await openFile(t, "table.csv");

  const table = page.getByRole("table", { name: "Table" });
  await table.waitFor();
  const rows = await table.getByRole("row").evaluateAll((found) => found.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(rows, [
    ["Row", "step", "loss", "note", "column 4"],
    ["1", "1", "0.5", `a "quoted", one`, ""],
    ["2", "2", "NaN", "two↵lines", ""],
    ["3", "3", "1e-3", "", ""],
    ["4", "4", "2", "=cmd()", "more"],
  ]);
  await page.getByText("4 rows, 4 columns").waitFor();
  const alignment = (text) => table.getByText(text, { exact: true }).evaluate((cell) => getComputedStyle(cell.parentElement).textAlign);
  assert.equal(await alignment("0.5"), "right");
  assert.notEqual(await alignment("=cmd()"), "right");
  await page.getByRole("button", { name: "Text" }).click();
  await page.getByText("4,2,=cmd(),more").waitFor();
  assert.deepEqual(mistakes, []);
});

test("separators are seen by the first line, and of many columns the first are drawn", async (t) => {
  const { page, mistakes } = await openFile(t, "semicolons.csv");
  await page.getByText("1,5", { exact: true }).waitFor();
  await page.getByRole("treeitem").filter({ hasText: "tabs.tsv" }).click();
  await page.getByText("x,y", { exact: true }).waitFor();
  await page.getByRole("treeitem").filter({ hasText: "wide.csv" }).click();
  await page.getByText("column 49", { exact: true }).waitFor();
  assert.equal(await page.getByText("column 50", { exact: true }).count(), 0);
  await page.getByRole("button", { name: "Show 50 more of 120 columns" }).click();
  await page.getByText("column 99", { exact: true }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("of a table of a gigabyte the first part is shown, and more on the way down", async (t) => {
  onDisk("long.csv", `place,twice\n${Array.from({ length: 200_000 }, (_, place) => `${place},${place * 2}\n`).join("")}`, 1_000_000_000);
  const { page, mistakes } = await openFile(t, "long.csv");

  await page.getByText("The first 1.0 MB of 1.0 GB.").waitFor();
  const box = page.getByRole("region", { name: "Table" });
  await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.getByText("The first 2.0 MB of 1.0 GB.").waitFor();
  assert.ok((await page.getByRole("row").count()) < 200, "only rows that can be seen exist");
  const [head, top] = await box.evaluate((element) => [element.querySelector(".table-head").getBoundingClientRect().top, element.getBoundingClientRect().top]);
  assert.ok(Math.abs(head - top) < 2, "the head stays at the top");
  assert.deepEqual(mistakes, []);
});

test("text in another encoding is explained, not shown as something else", async (t) => {
  for (const path of ["sixteen.csv", "sixteen.json"]) {
    const { page, mistakes } = await openFile(t, path);
    await page.getByText("This is no text.").waitFor();
    await page.getByText(/encoding other than UTF-8/).waitFor();
    await page.getByRole("link", { name: "Download" }).waitFor();
    assert.deepEqual(mistakes, [], path);
  }
});

test("a notebook has its texts and pictures, and names what it does not show", async (t) => {
  const { page, mistakes } = await openFile(t, "book.ipynb");

  await page.getByRole("heading", { name: "A notebook" }).waitFor();
  await page.getByText("<b>raw</b>").waitFor();
  await page.getByLabel("Code 7").getByText("plot()").waitFor();
  await page.getByText("red", { exact: true }).waitFor();
  const width = await page.getByAltText("Picture that the cell made").evaluate((image) => image.decode().then(() => image.naturalWidth));
  assert.equal(width, 30);
  await page.getByText("Not shown here: application/javascript").waitFor();
  assert.notEqual(await page.title(), "owned");
  await page.getByRole("treeitem").filter({ hasText: "odd.ipynb" }).click();
  await page.getByText("This is no notebook that can be read").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a page is shown without rights, and its scripts run alone and only when somebody says so", async (t) => {
  const { page, mistakes } = await openFile(t, "page.html");

  const frame = page.locator("iframe");
  await page.frameLocator("iframe").getByText("A report").waitFor();
  assert.equal(await frame.getAttribute("sandbox"), "");
  assert.equal(await page.frameLocator("iframe").getByText("A report").evaluate((element) => getComputedStyle(element).color), "rgb(1, 2, 3)");
  assert.equal(await page.frameLocator("iframe").getByText("it ran").count(), 0);
  // Chromium tells that it did not run the script.
  assert.ok(mistakes.every((mistake) => /script/i.test(mistake)), mistakes.join());
  mistakes.length = 0;
  await page.getByRole("button", { name: "Run its scripts" }).click();
  await page.frameLocator("iframe").getByText("it ran").waitFor();
  assert.equal(await frame.getAttribute("sandbox"), "allow-scripts");
  assert.notEqual(await page.title(), "owned");
  await page.reload();
  await page.frameLocator("iframe").getByText("A report").waitFor();
  assert.equal(await frame.getAttribute("sandbox"), "", "an address runs nothing");
});

test("a drawing is shown in a frame as well, and both can be read as text", async (t) => {
  const { page, mistakes } = await openFile(t, "drawing.svg");
  await page.frameLocator("iframe").getByText("A drawing").waitFor();
  await page.getByRole("button", { name: "Text" }).click();
  await page.locator(".line").getByText("<text y=").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a document is in the browser's viewer, or it is said why not", async (t) => {
  const { page, mistakes } = await openFile(t, "paper.pdf");
  if (await page.evaluate(() => navigator.pdfViewerEnabled)) {
    await page.locator("iframe[src^='blob:']").waitFor();
    await page.getByRole("treeitem").filter({ hasText: "cut.pdf" }).click();
    await page.getByText("The end of this file is missing").waitFor();
    await page.getByRole("treeitem").filter({ hasText: "lie.pdf" }).click();
    await page.getByText("This is no PDF.").waitFor();
  } else {
    await page.getByText("This browser has no viewer for PDF").waitFor();
  }
  assert.deepEqual(mistakes, []);
});

test("a browser without a viewer of documents is told so", async (t) => {
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.addInitScript(() => Object.defineProperty(navigator, "pdfViewerEnabled", { value: false }));
  await page.goto(`${address}/#/experiments/${experiment}/runs/${run}/artifacts/paper.pdf`);
  await page.getByText("This browser has no viewer for PDF").waitFor();
  assert.equal(await page.locator("iframe").count(), 0);
  assert.deepEqual(mistakes, []);
});

test("a sound is played, a film as well, and what is none is explained", async (t) => {
  const { page, mistakes } = await openFile(t, "tone.wav");
  const media = page.locator("audio, video");
  await page.waitForFunction(() => document.querySelector("audio")?.duration === 1);
  // A film that this browser makes itself, so that it can play it.
  const film = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 10, 10);
    const recorder = new MediaRecorder(canvas.captureStream(10), { mimeType: "video/webm" });
    const parts = [];
    recorder.ondataavailable = ({ data: part }) => {
      parts.push(part);
      if (part.size > 0 && recorder.state === "recording") recorder.stop();
    };
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start(100);
    const draw = setInterval(() => canvas.getContext("2d").fillRect(Math.random() * 100, 0, 50, 50), 20);
    await stopped;
    clearInterval(draw);
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  });
  await putFile(address, experiment, run, "film.webm", Buffer.from(film));
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByRole("treeitem").filter({ hasText: "film.webm" }).click();
  await page.waitForFunction(() => document.querySelector("video")?.videoWidth > 0);
  assert.equal(await media.getAttribute("controls"), "");
  assert.deepEqual(mistakes, []);
  for (const [path, kind] of [["noise.mp3", "audio"], ["film.mp4", "video"]]) {
    await page.getByRole("treeitem").filter({ hasText: path }).click();
    await page.getByText(`This ${kind} cannot be played.`).waitFor();
  }
});

test("what is needed whole and is large is shown after a question", async (t) => {
  const { page, mistakes } = await openFile(t, "large.json");
  await page.getByText(/This JSON file has [\d.]+ MB/).waitFor();
  await page.getByRole("button", { name: "Show it, and other large ones" }).click();
  await page.getByText("200,000 items").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a text is found in all of a file, a part at a time, and the search can be stopped", async (t) => {
  const line = (place) => (place % 50_000 === 7 ? `needle ${place}\n` : `${"x".repeat(60)}\n`);
  onDisk("long.log", Array.from({ length: 200_000 }, (_, place) => line(place)).join(""));
  const { page, mistakes } = await openFile(t, "long.log");
  await page.getByText("The first 1.0 MB of 12 MB.").waitFor();

  await page.getByPlaceholder("Find").fill("NEEDLE");
  await page.getByText("1 of 1", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Find in all 12 MB" }).click();
  await page.getByText("line 1 of 4").waitFor();
  await page.getByRole("button", { name: "Next place" }).click();
  await page.locator("mark[aria-current]").waitFor();
  await page.getByText("needle 50007", { exact: true }).waitFor();
  const number = await page.locator(".line", { has: page.locator("mark[aria-current]") }).locator(".line-number").innerText();
  assert.equal(number, "50008", "lines have their numbers also in the middle of a file");
  await page.getByRole("button", { name: "Previous place" }).click();
  await page.getByText("needle 7", { exact: true }).waitFor();

  // The answer of the last part never comes.
  let held;
  const arrived = new Promise((resolve) => (held = resolve));
  await page.route(/get-artifact/, async (route) => {
    if (route.request().headers().range?.startsWith("bytes=8000000-")) held();
    else await route.continue();
  });
  await page.getByPlaceholder("Find").fill("needle 1");
  await page.getByRole("button", { name: "Find in all 12 MB" }).click();
  await arrived;
  await page.getByRole("progressbar", { name: "How much was looked through" }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("looked through 8.0 MB of 12 MB").waitFor();
  await page.getByText("line 1 of 1").waitFor();
  assert.deepEqual(mistakes, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing in the views, in ${colorScheme}`, async (t) => {
    const { context, page } = await openPage(browser, { colorScheme, reducedMotion: "reduce" });
    t.after(() => context.close());
    const ready = {
      "config.yaml": () => page.getByText("rate: 1e-4"),
      "table.csv": () => page.getByText("4 rows, 4 columns"),
      "book.ipynb": () => page.getByText("Not shown here"),
      "page.html": () => page.frameLocator("iframe").getByText("A report"),
      "tone.wav": () => page.locator("audio"),
      "noise.mp3": () => page.getByText("This audio cannot be played."),
      "large.json": () => page.getByText("This JSON file has"),
    };
    for (const [path, there] of Object.entries(ready)) {
      await page.goto(`${address}/#/experiments/${experiment}/runs/${run}/artifacts/${path}`);
      await there().waitFor();
      assert.deepEqual(await accessibilityFindings(page), [], path);
    }
  });
}
