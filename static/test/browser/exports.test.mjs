// What a card is saved as: vectors and a picture, in a real browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { SCRIPT, UNSEEN } from "./hostile.mjs";
import { makeExperiment, makeRun } from "./seed.mjs";
import { openPage, startBrowser, startServer } from "./support.mjs";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
const HOSTILE = `${SCRIPT}& "quoted" ${UNSEEN}`;
let address;
let browser;
let experiment;
const runs = {};

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "aifs/global <b>");
  const falling = Array.from({ length: 200 }, (_, step) => 1 / (step + 1));
  const add = async (run) => (runs[run.name] = await makeRun(address, experiment, run));
  await add({ name: "plain", metrics: { "loss/2t": [...falling, "NaN"], single: [0.25] } });
  await add({ name: HOSTILE, metrics: { "loss/2t": falling.map((value) => value * 2), single: [0.5] } });
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** Chooses something in the menu of a card; the file that comes of it, its name and its bytes. */
async function saved(page, metric, choice) {
  await page.getByRole("button", { name: `What can be done with ${metric}` }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: choice }).click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

async function openComparison(options = {}) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${address}/#/compare?runs=${Object.values(runs).join()}`);
  await opened.page.locator(".card[data-kind=line] canvas").waitFor();
  return opened;
}

/** What a browser makes of a file of vectors that is opened by itself: its texts and numbers of elements. */
async function opened(svg) {
  const { context, page, mistakes } = await openPage(browser, { offline: true });
  const asked = [];
  page.on("request", (request) => !request.url().startsWith("data:image/svg") && asked.push(request.url()));
  await page.goto(`data:image/svg+xml;base64,${svg.toString("base64")}`);
  const found = await page.evaluate(() => ({
    root: document.documentElement.localName,
    texts: [...document.querySelectorAll("text")].map((text) => text.textContent),
    names: [...new Set([...document.querySelectorAll("*")].map((element) => element.localName))].sort(),
    attributes: [...document.querySelectorAll("*")].flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith("on") || name.endsWith("href")),
    strokes: document.querySelectorAll("svg svg path[stroke-linejoin]").length,
    hacked: "hacked" in window,
  }));
  assert.deepEqual(asked, []);
  await context.close();
  return { ...found, mistakes };
}

test("a chart is saved as vectors with its title, axes and names, whatever these are", async () => {
  const { context, page, mistakes } = await openComparison();
  const { name, bytes } = await saved(page, "loss/2t", "Vectors (SVG)");
  assert.equal(name, "loss_2t-aifs_global_b.svg");
  const found = await opened(bytes);
  assert.equal(found.root, "svg", "it is well-formed");
  assert.equal(found.strokes, 2, "a line for each run");
  for (const text of ["loss/2t", "1 NaN from step 200", "Step", "0", "plain"]) assert.ok(found.texts.includes(text), `${text} among ${found.texts.join(" | ")}`);
  assert.ok(found.texts.some((text) => text.includes("</script><script>hacked=1")), "a hostile name is a text");
  assert.deepEqual(found.names, ["g", "path", "rect", "svg", "text"], "vectors, and nothing else");
  assert.deepEqual(found.attributes, []);
  assert.equal(found.hacked, false);
  assert.deepEqual([...mistakes, ...found.mistakes], []);
  await context.close();
});

test("a chart is saved as a picture of twice its size, on the background of the theme", async () => {
  for (const [colorScheme, background] of [["light", [255, 255, 255]], ["dark", [22, 30, 33]]]) {
    const { context, page, mistakes } = await openComparison({ colorScheme });
    const { name, bytes } = await saved(page, "loss/2t", "Picture (PNG)");
    assert.equal(name, "loss_2t-aifs_global_b.png");
    const width = await page.locator(".card[data-metric='loss/2t']").evaluate((card) => card.clientWidth);
    const { size, corner, colours } = await page.evaluate(async (base64) => {
      const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]));
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      const colours = new Set(new Uint32Array(data.buffer)).size;
      return { size: image.width, corner: [...data.slice(0, 3)], colours };
    }, bytes.toString("base64"));
    assert.equal(size, 2 * Math.max(420, width));
    assert.deepEqual(corner, background);
    assert.ok(colours > 20, `${colours} colours: something is drawn`);
    assert.deepEqual(mistakes, []);
    await context.close();
  }
});

test("single values are saved too, and a hidden run is not", async () => {
  const { context, page, mistakes } = await openComparison();
  await page.locator(".card[data-kind=dots]").waitFor();
  const both = await opened((await saved(page, "single", "Vectors (SVG)")).bytes);
  assert.ok(both.texts.includes("0.25 at step 0") && both.texts.includes("0.5 at step 0"), both.texts.join(" | "));
  await page.getByRole("list", { name: "Runs", exact: true }).getByRole("button", { name: "plain" }).click();
  await page.locator(".card[data-kind=tile]").waitFor();
  const one = await opened((await saved(page, "single", "Vectors (SVG)")).bytes);
  assert.ok(!one.texts.includes("0.25 at step 0") && one.texts.includes("0.5 at step 0"), one.texts.join(" | "));
  assert.deepEqual(mistakes, []);
  await context.close();
});
