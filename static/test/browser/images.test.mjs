// Image series of a folder, and images of runs side by side, in a real browser against the real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { png, putFile } from "./files.mjs";
import { makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, settled, startBrowser, startPortal, startServer } from "./support.mjs";

const HOSTILE = `"><img src=x onerror="document.title='owned'">`;

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let experiment;
/** Ids of runs by name. */
const runs = {};

/** What the client of MLflow writes. */
const logged = (key, step, time, end = ".png") => `images/${key}%step%${step}%timestamp%${time}%g0000000-0000-4000-8000-000000000000${end}`;

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "images");
  // Widths tell the steps.
  const files = {
    base: [
      ...[0, 1, 2, 10].map((epoch) => [`plots/maps/t850_epoch${String(epoch).padStart(3, "0")}.png`, png(100 + epoch, 50)]),
      ...[1, 2].map((epoch) => [`plots/maps/z500_epoch${epoch}.png`, png(200 + epoch, 50)]),
      ["plots/maps/orography.png", png(300, 50)],
      ["plots/maps/notes.txt", "text"],
      ["plots/broken/a_1.png", "no image"],
      ["plots/broken/a_2.png", "no image"],
      [logged("pred", 0, 5), png(400, 50)],
      [logged("pred", 500, 6), png(401, 50)],
      [logged("pred", 500, 6, "%compressed.webp"), "small"],
      ["checkpoint/weights.ckpt", "x"],
    ],
    other: [
      ...[0, 2].map((epoch) => [`plots/maps/t850_epoch${String(epoch).padStart(3, "0")}.png`, png(500 + epoch, 50)]),
      ["plots/maps/orography.png", png(600, 50)],
      [logged("pred", 500, 9), png(700, 50)],
    ],
    bare: [],
    "no images": [["terminal_log.txt", "text"]],
    [HOSTILE]: [...[1, 2].map((step) => [`plots/maps/${HOSTILE.replaceAll("/", "")}${step}.png`, png(step, 1)]), ["plots/maps/\u202egnp_1.png", png(1, 1)]],
  };
  for (const [name, of] of Object.entries(files)) {
    runs[name] = await makeRun(address, experiment, { name, metrics: { loss: [1, 2] } });
    for (const [path, body] of of) await putFile(address, experiment, runs[name], path, body);
  }
});

after(async () => {
  for (const end of shared.ends) await end();
});

async function open(t, where, options = {}) {
  const { context, page, mistakes } = await openPage(browser, options);
  t.after(() => context.close());
  await page.goto(`${address}/${where}`);
  return { page, mistakes };
}

const inFolder = (run, path, state = "") => `#/experiments/${experiment}/runs/${runs[run]}/artifacts/${path}${state}`;
const compared = (names, state = "") => `#/compare?runs=${names.map((name) => runs[name]).join()}${state}`;
/** The card or the run of a name, and the width of its picture once it is that. */
const figure = (page, name) => page.getByRole("figure").filter({ hasText: name });
const isWide = (page, name, width) => {
  const image = figure(page, name).getByRole("img");
  return waitUntil(async () => (await image.evaluate((element) => element.complete && element.naturalWidth)) === width, `${name} is ${width} wide`);
};

/** Scrolls to the images of a comparison, which are looked for once they are seen; what is above would push them away while it takes its size. */
async function scrollToImages(page) {
  await page.locator(".card").first().waitFor();
  await page.getByText(/ attributes differ$/).waitFor();
  await page.getByRole("table", { name: "Values" }).waitFor();
  await page.locator(".images-section").scrollIntoViewIfNeeded();
}

async function waitUntil(is, what) {
  const end = Date.now() + 15_000;
  while (!(await is().catch(() => false))) {
    assert.ok(Date.now() < end, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("pictures that differ in one number are a card with a step, and all cards of a folder go together", async (t) => {
  const { page, mistakes } = await open(t, inFolder("base", "plots/maps"));

  await figure(page, "z500_epoch*.png").getByText("2 steps").waitFor();
  assert.equal(await page.getByRole("figure").count(), 2);
  await isWide(page, "t850_epoch*.png", 100);
  const slider = figure(page, "t850_epoch*.png").getByRole("slider", { name: "Step" });
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await isWide(page, "t850_epoch*.png", 102);
  await isWide(page, "z500_epoch*.png", 202);
  await figure(page, "t850_epoch*.png").getByText("2 (3 of 4)").waitFor();
  await page.waitForURL(/step=2$/);
  await page.reload();
  await isWide(page, "t850_epoch*.png", 102);
  await page.keyboard.press("]");
  await isWide(page, "t850_epoch*.png", 110);
  await isWide(page, "z500_epoch*.png", 202);
  await page.keyboard.press("[");
  await page.keyboard.press("[");
  await isWide(page, "t850_epoch*.png", 101);
  await page.getByRole("link", { name: "t850_epoch*.png, step 1" }).click();
  await page.getByRole("heading", { level: 2, name: "t850_epoch001.png" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("a series is played, stops at its end, and begins anew", async (t) => {
  // So long that it does not come to its end again before somebody stops it, however slow everything is.
  const long = await makeRun(address, experiment, { name: "long" });
  await Promise.all(Array.from({ length: 60 }, (_, epoch) => putFile(address, experiment, long, `long_epoch${epoch}.png`, png(100 + epoch, 50))));
  const { page, mistakes } = await open(t, `#/experiments/${experiment}/runs/${long}/artifacts?step=57`);
  const card = figure(page, "long_epoch*.png");

  await isWide(page, "long_epoch*.png", 157);
  await card.getByRole("button", { name: "Play" }).click();
  await isWide(page, "long_epoch*.png", 159);
  await card.getByRole("button", { name: "Play" }).waitFor();
  await card.getByRole("button", { name: "Play" }).click();
  await card.getByRole("button", { name: "Pause" }).click();
  await card.getByRole("button", { name: "Play" }).waitFor();
  await card.getByRole("button", { name: "Next step" }).waitFor();
  assert.equal(await card.getByRole("button", { name: "Next step" }).isDisabled(), false);
  assert.deepEqual(mistakes, []);
});

test("what MLflow's clients log is a series by its key, in full size", async (t) => {
  const { page, mistakes } = await open(t, inFolder("base", "images", "?step=500"));

  await isWide(page, "pred", 401);
  await figure(page, "pred").getByText("500 (2 of 2)").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a series goes on beyond the page of the folder that is shown", async (t) => {
  const many = await makeRun(address, experiment, { name: "many images" });
  const names = Array.from({ length: 30 }, (_, place) => `v${place % 2}_epoch${place >> 1}.png`);
  await Promise.all(names.map((name) => putFile(address, experiment, many, name, png(1, 1))));
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  // As if a page had 10 entries.
  await page.route(/max_results=500/, (route) => route.continue({ url: route.request().url().replace("max_results=500", "max_results=10") }));
  await page.goto(`${address}/#/experiments/${experiment}/runs/${many}/artifacts`);
  await figure(page, "v0_epoch*.png").getByText("15 steps").waitFor();
  await figure(page, "v1_epoch*.png").getByText("15 steps").waitFor();
  assert.deepEqual(mistakes, []);
});

test("images of runs that go on are looked for again", async (t) => {
  const growing = await makeRun(address, experiment, { name: "growing", status: "RUNNING" });
  await putFile(address, experiment, growing, "a_1.png", png(11, 1));
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.clock.install();
  await page.goto(`${address}/#/compare?runs=${growing},${runs.bare}`);
  await scrollToImages(page);
  await isWide(page, "growing", 11);
  await putFile(address, experiment, growing, "a_2.png", png(12, 1));
  await page.clock.fastForward(31_000);
  await page.getByRole("region", { name: "Images" }).getByRole("slider").waitFor();
  assert.deepEqual(mistakes, []);
});

test("a broken picture and hostile names stay what they are", async (t) => {
  const { page, mistakes } = await open(t, inFolder("base", "plots/broken"));
  await figure(page, "a_*.png").getByText("This image cannot be shown.").waitFor();
  await page.goto(`${address}/${inFolder(HOSTILE, "plots/maps")}`);
  await page.getByRole("figure").getByText("2 steps").waitFor();
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("runs are compared by the same picture at the same step, and it is said who has none", async (t) => {
  const { page, mistakes } = await open(t, compared(["base", "other", "bare"]));
  const asked = [];
  page.on("request", (request) => request.url().includes("/artifacts?") && asked.push(request.url()));
  await scrollToImages(page);

  const images = page.getByRole("region", { name: "Images" });
  await images.getByLabel("Folder").selectOption("plots/maps");
  await images.getByLabel("Image", { exact: true }).locator("option", { hasText: "orography" }).waitFor({ state: "attached" });
  assert.deepEqual(await images.getByLabel("Image", { exact: true }).locator("option").allInnerTexts(), [
    "t850_epoch*.png – 2 of 3 runs", "orography.png – 2 of 3 runs", "z500_epoch*.png – 1 of 3 runs",
  ]);
  await isWide(page, "base", 100);
  await isWide(page, "other", 500);
  await figure(page, "bare").getByText("This run does not have it.").waitFor();
  await images.getByRole("slider", { name: "Step" }).focus();
  await page.keyboard.press("End");
  await isWide(page, "base", 110);
  await isWide(page, "other", 502);
  await figure(page, "other").getByText("step 2").waitFor();
  await figure(page, "base").getByText("step 10").waitFor();
  await images.getByRole("button", { name: "1:1" }).click();
  await page.waitForURL((url) => /img=plots\/maps\/.*step=10.*real=1/.test(url.href));
  await page.reload();
  await scrollToImages(page);
  await isWide(page, "other", 502);
  await images.getByLabel("Image", { exact: true }).selectOption({ label: "orography.png – 2 of 3 runs" });
  await isWide(page, "other", 600);
  assert.equal(await images.getByRole("slider").count(), 0);
  assert.equal(await figure(page, "other").getByRole("img").evaluate((image) => image.width), 600, "point by point");
  await images.getByLabel("Folder").selectOption("images");
  await isWide(page, "base", 400);
  await figure(page, "other").getByText("Nothing up to step 0.").waitFor();
  await page.keyboard.press("]");
  await isWide(page, "other", 700);
  assert.ok(asked.length < 25, `${asked.length} requests`);
  assert.deepEqual(mistakes, []);
});

test("all runs play together", async (t) => {
  const { page, mistakes } = await open(t, compared(["base", "other"], "&img=plots/maps/t850_epoch*.png"));
  await scrollToImages(page);
  await isWide(page, "base", 100);
  await page.getByRole("region", { name: "Images" }).getByRole("button", { name: "Play" }).click();
  await isWide(page, "base", 110);
  await isWide(page, "other", 502);
  assert.deepEqual(mistakes, []);
});

test("where no run has images that is said", async (t) => {
  const { page, mistakes } = await open(t, compared(["bare", "no images"]));
  await scrollToImages(page);
  await page.getByText("No images were found.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("the first run that has images tells the folders, and hostile names are names", async (t) => {
  const { page, mistakes } = await open(t, compared(["bare", HOSTILE, "base"], "&img=none/x"));
  await scrollToImages(page);
  await page.getByText("There is no image in this folder.").waitFor();
  await page.getByLabel("Folder").selectOption("plots/maps");
  await page.getByLabel("Image", { exact: true }).selectOption({ index: 3 });
  await page.getByRole("figure").first().waitFor();
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("images are compared below the path of a portal", async (t) => {
  const portal = `http://127.0.0.1:${await startPortal(t, address, "/node/n1/5000")}/node/n1/5000`;
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(`${portal}/${compared(["base", "other"], "&img=plots/maps/orography.png")}`);
  await scrollToImages(page);
  await isWide(page, "other", 600);
  assert.deepEqual(mistakes, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing among the images, in ${colorScheme}`, async (t) => {
    // So high that nothing is scrolled: what lies half below the bar is a small target.
    const viewport = { width: 1280, height: 3_000 };
    const { page } = await open(t, inFolder("base", "plots/maps"), { colorScheme, reducedMotion: "reduce", viewport });
    await isWide(page, "z500_epoch*.png", 201);
    assert.deepEqual(await accessibilityFindings(page), []);
    await page.goto(`${address}/${compared(["base", "other", "bare"], "&img=plots/maps/t850_epoch*.png&step=10")}`);
    await scrollToImages(page);
    await isWide(page, "other", 502);
    await settled(page);
    assert.deepEqual(await accessibilityFindings(page), []);
  });
}
