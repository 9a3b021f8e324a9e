// The artifacts of a run in a real browser, against the real server: the tree, each kind of file, and what is wrong with files.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { png, putFile } from "./files.mjs";
import { makeExperiment, makeRun } from "./seed.mjs";
import { accessibilityFindings, openPage, startBrowser, startServer } from "./support.mjs";

const HOSTILE = `<img src=x onerror="document.title='owned'">.txt`;
const LINE = "0123456789 line of a large log\n";

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
let experiment;
let run;

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  experiment = await makeExperiment(address, "files");
  run = await makeRun(address, experiment, { name: "with files", status: "RUNNING", metrics: { loss: [1] } });
  const files = {
    "terminal_log.txt": Array.from({ length: 400 }, (_, place) => `\u001b[32mINFO\u001b[0m step ${place}\n`).join(""),
    "large.log": LINE.repeat(100_000),
    "config.json": JSON.stringify({ training: { lr: { rate: 1e-4 }, name: HOSTILE }, list: Array.from({ length: 500 }, (_, place) => place) }),
    "wrong.json": "{NaN",
    "deep.json": "[".repeat(150_000),
    "README.md": `# Hello\n\n<script>document.title='owned'</script>\n\n[bad](javascript:alert(1))`,
    "weights.ckpt": Buffer.alloc(4_000),
    "empty.txt": "",
    "plots/maps/loss_epoch2.png": png(80, 60),
    "plots/maps/loss_epoch10.png": png(40, 30),
    "plots/maps/loss_epoch1.png": png(20, 10),
    "plots/broken.png": "no image",
    [HOSTILE]: "hostile",
    'folder "q" & ?+/üñí 日本.txt': "names of all kinds",
  };
  for (const [path, body] of Object.entries(files)) await put(path, body);
});

after(async () => {
  for (const end of shared.ends) await end();
});

const put = (path, body, of = run) => putFile(address, experiment, of, path, body);

/** A page at a path of the run's artifacts, and what went wrong in it. */
async function openFiles(t, path = "", of = run) {
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  const encoded = path === "" ? "" : `/${path.split("/").map(encodeURIComponent).join("/")}`;
  await page.goto(`${address}/#/experiments/${experiment}/runs/${of}/artifacts${encoded}`);
  return { page, mistakes };
}

const item = (page, name) => page.getByRole("treeitem").filter({ hasText: name });

test("folders open where they are, files in the order of people, and the address says what is shown", async (t) => {
  const { page, mistakes } = await openFiles(t);

  await item(page, "plots").click();
  await page.getByRole("heading", { level: 2, name: "plots" }).waitFor();
  await item(page, "maps").click();
  await item(page, "loss_epoch10.png").waitFor();
  const names = (await page.getByRole("treeitem").allInnerTexts()).map((text) => text.split("\n")[0]);
  const images = names.filter((name) => name.startsWith("loss"));
  assert.deepEqual(images, ["loss_epoch1.png", "loss_epoch2.png", "loss_epoch10.png"]);
  await item(page, "loss_epoch2.png").click();
  await page.waitForURL(/\/artifacts\/plots\/maps\/loss_epoch2\.png$/);
  await page.getByText("80 × 60").waitFor();
  await page.reload();
  await page.getByText("80 × 60").waitFor();
  assert.equal(await item(page, "loss_epoch2.png").getAttribute("aria-selected"), "true");
  await page.goBack();
  await page.getByRole("heading", { level: 2, name: "maps" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("the tree is walked by the arrow keys", async (t) => {
  const { page, mistakes } = await openFiles(t);

  await item(page, "plots").focus();
  await page.keyboard.press("ArrowRight");
  await item(page, "broken.png").waitFor();
  await page.keyboard.press("ArrowDown");
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  assert.match(await focused(), /broken\.png/);
  await page.keyboard.press("ArrowLeft");
  assert.match(await focused(), /plots/);
  await page.keyboard.press("ArrowLeft");
  await item(page, "broken.png").waitFor({ state: "detached" });
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 2, name: "wrong.json" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("arrow keys lead from image to image, and a click shows it point by point", async (t) => {
  const { page, mistakes } = await openFiles(t, "plots/maps/loss_epoch1.png");

  await page.getByText("1 / 3").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByText("80 × 60").waitFor();
  await page.keyboard.press("]");
  await page.getByText("40 × 30").waitFor();
  assert.equal(await page.getByRole("button", { name: "Next image" }).isDisabled(), true);
  await page.keyboard.press("ArrowLeft");
  await page.getByText("2 / 3").waitFor();
  await page.getByText("80 × 60").waitFor();
  await page.getByRole("button", { name: "1:1" }).click();
  const drawn = () => page.locator("main img").evaluate((image) => [image.width, image.height]);
  assert.deepEqual(await drawn(), [80, 60]);
  await page.keyboard.press("+");
  await page.getByText("150 %").waitFor();
  assert.deepEqual(await drawn(), [120, 90]);
  await page.getByRole("button", { name: "Smaller" }).click();
  assert.deepEqual(await drawn(), [80, 60]);
  await page.keyboard.press("z");
  await page.getByRole("button", { name: "Fit", pressed: true }).waitFor();
  assert.deepEqual(await drawn(), [320, 240], "to fit, a small one is made larger, but four times at most");
  await page.setViewportSize({ width: 320, height: 844 });
  const room = await page.locator(".artifact-body.image").evaluate((box) => box.clientWidth - 24);
  assert.ok(room < 320, "there is less room");
  assert.ok(Math.abs((await drawn())[0] - room) <= 1, "and no more than there is room");
  await page.keyboard.press("Escape");
  await page.waitForURL(/artifacts\/plots\/maps$/);
  await page.getByRole("heading", { name: "maps" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("a broken image is explained", async (t) => {
  const { page, mistakes } = await openFiles(t, "plots/broken.png");

  await page.getByText("This image cannot be shown.").waitFor();
  await page.getByRole("link", { name: "Download" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("a log has lines without colours, and words are found in it", async (t) => {
  const { page, mistakes } = await openFiles(t, "terminal_log.txt");

  await page.getByText("INFO step 0", { exact: true }).waitFor();
  await page.getByPlaceholder("Find").fill("STEP 39");
  await page.getByText("1 of 11", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("2 of 11").waitFor();
  await page.locator("mark[aria-current]").waitFor();
  await page.getByText("INFO step 390", { exact: true }).waitFor();
  await page.keyboard.press("Shift+Enter");
  await page.getByText("1 of 11").waitFor();
  await page.getByPlaceholder("Find").fill("no such word");
  await page.getByText("not found").waitFor();
  await page.getByPlaceholder("Find").fill("step 39");
  await page.getByRole("button", { name: "Previous place" }).click();
  await page.getByText("11 of 11").waitFor();
  assert.deepEqual(mistakes, []);
});

test("of a large log the first part is shown, more when asked, and its end", async (t) => {
  const { page, mistakes } = await openFiles(t, "large.log");
  let fetched = 0;
  page.on("response", async (response) => {
    if (response.url().includes("get-artifact")) fetched += Number(response.headers()["content-length"] ?? 0);
  });

  await page.getByText("The first 1.0 MB of 3.1 MB.").waitFor();
  await page.getByRole("button", { name: "Show 1.0 MB more" }).click();
  await page.getByText("The first 2.0 MB of 3.1 MB.").waitFor();
  await page.getByRole("button", { name: "Go to the end" }).click();
  await page.getByText("The last 1.0 MB of 3.1 MB.").waitFor();
  assert.ok(await page.locator(".line").count() < 200, "only lines that can be seen exist");
  assert.ok(fetched < 3_100_000, "never all of it");
  await page.getByRole("button", { name: "Go to the beginning" }).click();
  await page.getByText("The first 1.0 MB of 3.1 MB.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("the end of a file is followed while the run goes on", async (t) => {
  const following = await makeRun(address, experiment, { name: "followed", status: "RUNNING" });
  await put("terminal_log.txt", "first line\n", following);
  const { page, mistakes } = await openFiles(t, "terminal_log.txt", following);
  await page.getByText("first line").waitFor();

  await page.getByRole("button", { name: "Following", pressed: true }).waitFor();
  await put("terminal_log.txt", `first line\n${"another line\n".repeat(500)}the newest line\n`, following);
  await page.getByText("the newest line").waitFor();
  assert.equal(await page.getByText("first line").count(), 0, "it is at the end");

  const lines = page.getByRole("region", { name: "Text" });
  await lines.hover();
  await page.mouse.wheel(0, -20_000);
  const wish = page.getByRole("button", { name: "Follow the end", pressed: false });
  await wish.waitFor();
  // A wheel moves on for some frames, and whoever moves up does not follow.
  await page.waitForFunction((box) => box.scrollTop === 0, await lines.elementHandle());
  await wish.click();
  await page.getByRole("button", { name: "Following" }).waitFor();
  await put("terminal_log.txt", "begun anew\n", following);
  await page.getByText("begun anew").waitFor();
  assert.equal(await page.getByText("the newest line").count(), 0);
  // Chromium itself tells that the file has no such part any more.
  assert.deepEqual(mistakes.filter((mistake) => !/416/.test(mistake)), []);
});

test("what a run that goes on adds to a folder appears by itself", async (t) => {
  const growing = await makeRun(address, experiment, { name: "growing", status: "RUNNING" });
  await put("first.txt", "1", growing);
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.clock.install();
  await page.goto(`${address}/#/experiments/${experiment}/runs/${growing}/artifacts`);
  await item(page, "first.txt").waitFor();

  await put("second.txt", "2", growing);
  await page.clock.fastForward(16_000);
  await item(page, "second.txt").waitFor();
  assert.deepEqual(mistakes, []);
});

test("JSON is a tree of data, in parts, and text where somebody wants that", async (t) => {
  const { page, mistakes } = await openFiles(t, "config.json");

  await page.getByRole("button", { name: "lr 1 key" }).click();
  await page.getByText("0.0001").waitFor();
  await page.getByRole("button", { name: "Show more (300 left)" }).click();
  await page.getByText("399", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Text" }).click();
  await page.waitForURL(/show=text$/);
  await page.locator(".line").first().waitFor();
  assert.deepEqual(mistakes, []);
});

test("what is no JSON, or is nested without end, is text with a reason", async (t) => {
  for (const path of ["wrong.json", "deep.json"]) {
    const { page, mistakes } = await openFiles(t, path);
    await page.getByText(/^This is no valid JSON/).waitFor();
    await page.locator(".line").first().waitFor();
    assert.deepEqual(mistakes, [], path);
  }
});

test("Markdown is a page without HTML", async (t) => {
  const { page, mistakes } = await openFiles(t, "README.md");

  await page.getByRole("heading", { name: "Hello" }).waitFor();
  assert.equal(await page.locator('main a[href^="javascript"]').count(), 0);
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("what is no text says so", async (t) => {
  const { page, mistakes } = await openFiles(t, "weights.ckpt");
  await page.getByText("There is no view for files of this kind.").waitFor();
  await page.getByRole("button", { name: "Show as text" }).click();
  await page.getByText("This is no text.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("an empty file says so, and what is not there as well", async (t) => {
  const { page, mistakes } = await openFiles(t, "empty.txt");
  await page.getByText("This file is empty.").waitFor();
  assert.deepEqual(mistakes, []);

  const gone = await openFiles(t, "plots/gone.png");
  await gone.page.getByText("There is no such file.").waitFor();
});

test("names of all kinds lead to their files", async (t) => {
  for (const [path, content] of [[HOSTILE, "hostile"], ['folder "q" & ?+/üñí 日本.txt', "names of all kinds"]]) {
    const { page, mistakes } = await openFiles(t);
    const [folder, file] = path.includes("/") ? path.split("/") : [null, path];
    if (folder !== null) await item(page, folder).click();
    await item(page, file).click();
    await page.getByText(content, { exact: true }).waitFor();
    await page.reload();
    await page.getByText(content, { exact: true }).waitFor();
    assert.notEqual(await page.title(), "owned");
    assert.equal(await page.locator("main img").count(), 0);
    assert.deepEqual(mistakes, [], path);
  }
});

test("a folder of many files is shown a page at a time", async (t) => {
  const many = await makeRun(address, experiment, { name: "many files" });
  await Promise.all(Array.from({ length: 30 }, (_, place) => put(`f/${place}.txt`, "x", many)));
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  // As if a page had 20 entries: thousands of files take their time.
  await page.route(/max_results=/, (route) => route.continue({ url: route.request().url().replace(/max_results=\d+/, "max_results=20") }));
  await page.goto(`${address}/#/experiments/${experiment}/runs/${many}/artifacts/f`);

  await page.getByText("30 entries").waitFor();
  assert.equal(await item(page, "29.txt").count(), 0);
  await page.getByRole("treeitem", { name: "Show more (10 left)" }).click();
  await item(page, "29.txt").waitFor();
  await page.reload();
  await page.getByText("30 entries").waitFor();
  await page.goto(`${address}/#/experiments/${experiment}/runs/${many}/artifacts/f/29.txt`);
  await page.locator(".line-text", { hasText: "x" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("everything, or a folder, is downloaded as ZIP", async (t) => {
  const { page, mistakes } = await openFiles(t, "plots");

  for (const name of ["All as ZIP", "Folder as ZIP"]) {
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name }).click();
    assert.match((await download).suggestedFilename(), /\.zip$/);
  }
  assert.deepEqual(mistakes, []);
});

test("the width of the tree is set by the arrow keys, and kept", async (t) => {
  const { page, mistakes } = await openFiles(t);
  const splitter = page.getByRole("separator", { name: "Width of the tree" });
  await splitter.focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await splitter.getAttribute("aria-valuenow"), "344");
  await page.reload();
  await splitter.waitFor();
  assert.equal(await splitter.getAttribute("aria-valuenow"), "344");
  assert.deepEqual(mistakes, []);
});

test("a run without files says so", async (t) => {
  const bare = await makeRun(address, experiment, { name: "bare" });
  const { page, mistakes } = await openFiles(t, "", bare);

  await page.getByText("This run has no artifacts.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("the overview ends with the last lines of the log", async (t) => {
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(`${address}/#/experiments/${experiment}/runs/${run}`);

  const tail = page.getByRole("region", { name: "Last lines of the log" }).first();
  await tail.getByText("INFO step 399").waitFor();
  await tail.getByRole("link", { name: "All of it" }).click();
  await page.getByRole("heading", { level: 2, name: "terminal_log.txt" }).waitFor();
  assert.deepEqual(mistakes, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing among the files, in ${colorScheme}`, async (t) => {
    const { context, page } = await openPage(browser, { colorScheme, reducedMotion: "reduce" });
    t.after(() => context.close());
    const ready = {
      "": () => page.getByRole("heading", { name: "All artifacts" }),
      "/plots/maps/loss_epoch2.png": () => page.getByText("80 × 60"),
      "/large.log": () => page.getByText("The first 1.0 MB"),
      "/config.json": () => page.getByText("500 items"),
      "/README.md": () => page.getByRole("heading", { name: "Hello" }),
      "/weights.ckpt": () => page.getByText("Not shown here"),
    };
    for (const [path, there] of Object.entries(ready)) {
      await page.goto(`${address}/#/experiments/${experiment}/runs/${run}/artifacts${path}`);
      await there().waitFor();
      assert.deepEqual(await accessibilityFindings(page), [], path);
    }
  });
}
