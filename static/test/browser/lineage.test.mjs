// What was resumed, forked, copied and nested: as a drawing, and in the curves of what is compared.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HOSTILE_NAMES, seedFamily, seedForks } from "./lineage_seed.mjs";
import { accessibilityFindings, openPage, pressBoth, settled, startBrowser, startPortal, startServer } from "./support.mjs";

const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
/** The family that is looked at; see `lineage_seed.mjs`. */
let family;
/** Forks that all know their steps. */
let forks;

before(async () => {
  address = await startServer(shared);
  browser = await startBrowser(shared);
  family = await seedFamily(address);
  forks = await seedForks(address);
});

after(async () => {
  for (const end of shared.ends) await end();
});

const lineageOf = (run, state = "") => `#/experiments/${family.experiment}/runs/${run}/lineage${state}`;

async function open(t, place, options = {}) {
  const { context, page, mistakes } = await openPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  t.after(() => context.close());
  await page.goto(`${address}/${place}`);
  return { page, mistakes };
}

const bar = (page, run) => page.locator(`[data-run="${run}"]`);
const left = async (found) => Math.round((await found.boundingBox()).x);

test("a lineage is drawn with a lane for each training, and its lines are told apart", async (t) => {
  const { page, mistakes } = await open(t, lineageOf(family.fork));
  await bar(page, family.fork).waitFor();

  const lanes = await page.locator(".lineage-name").evaluateAll((found) => found.map((lane) => lane.textContent));
  assert.deepEqual(lanes.map((words) => words.replace(/^.*(?=nested)/, "")), [
    "control", "forkforked at step 50", "nested", "eeeeeeeenot on this server", "nested", "restartedforked, step restarted",
    "ffffffffnot on this server", "lost forkforked",
  ]);
  const kinds = await page.locator(".lineage-canvas path").evaluateAll((paths) => paths.map((path) => path.dataset.kind).sort());
  assert.deepEqual(kinds, ["copy", "fork", "fork", "fork", "nest", "nest", "nest", "resume"]);
  assert.match(await bar(page, family.second).getAttribute("aria-label"), /^control, attempt 2, finished, steps 40 to 99, started /);
  assert.match(await bar(page, family.fork).getAttribute("aria-label"), /, this run$/);
  assert.equal(await bar(page, "f".repeat(32)).getAttribute("aria-label"), `${"f".repeat(32)}, not on this server`);
  assert.deepEqual(mistakes, []);
});

test("along steps a fork begins at its step, and one whose steps began anew where one puts it", async (t) => {
  const { page, mistakes } = await open(t, lineageOf(family.fork));
  await page.getByRole("button", { name: "By steps" }).click();
  await page.waitForURL(/x=step/);
  assert.ok((await left(bar(page, family.fork))) > (await left(bar(page, family.second))));
  const before = await left(bar(page, family.restarted));

  await bar(page, family.restarted).click();
  await page.getByLabel(/Draw it from step/).fill("70");
  await page.getByRole("button", { name: "Draw", exact: true }).click();
  await page.getByText("forked, taken to begin at step 70").waitFor();
  assert.ok((await left(bar(page, family.restarted))) > before);
  await page.reload();
  await page.getByText("forked, taken to begin at step 70").waitFor();
  assert.equal(await page.getByLabel(/Draw it from step/).inputValue(), "70");
  assert.deepEqual(mistakes, []);
});

test("a click says what a run is and what was changed; with Shift it goes into the basket", async (t) => {
  const { page, mistakes } = await open(t, lineageOf(family.second));
  await bar(page, family.fork).click();
  const card = page.getByRole("complementary", { name: "The chosen run" });
  await card.getByText("lr", { exact: true }).waitFor();
  assert.match((await card.innerText()).replace(/\s+/g, " "), /lr 1e-4 → 5e-5/);
  assert.equal(await card.getByRole("link", { name: "Open" }).getAttribute("href"), `#/experiments/${family.experiment}/runs/${family.fork}`);
  assert.equal(
    await card.getByRole("link", { name: "Compare with its origin" }).getAttribute("href"),
    `#/compare?runs=${family.first},${family.fork}&origin=1`,
  );
  const together = await card.getByRole("link", { name: "Compare origin and 2 forks" }).getAttribute("href");
  assert.deepEqual(new URL(together.slice(1), "http://a").searchParams.get("runs").split(","), [family.second, family.fork, family.restarted]);

  await bar(page, family.first).click({ modifiers: ["Shift"] });
  await page.getByRole("button", { name: /basket/i }).filter({ hasText: "1" }).first().waitFor();
  assert.match(await bar(page, family.first).getAttribute("aria-label"), /in the basket$/);
  await page.getByRole("button", { name: "Close" }).click();
  await card.waitFor({ state: "detached" });

  await bar(page, "f".repeat(32)).click();
  await card.getByText("Not on this server").waitFor();
  assert.deepEqual(mistakes, []);
});

test("keys lead to every run, also to those that are not drawn yet", async (t) => {
  const { page, mistakes } = await open(t, lineageOf(family.crowd));
  const current = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? "");
  await page.getByText("401 runs that hang together").waitFor();
  await bar(page, family.crowd).focus();
  assert.ok((await page.locator(".lineage-bar").count()) < 100, "only what is in sight is made");
  await page.keyboard.press("ArrowDown");
  const first = await current();
  assert.match(first, /^child \d+, /);
  // The browser tells of its scrolling with the next frame; the key after it is for the last run already.
  await pressBoth(page, "End", "Enter");
  const last = await current();
  assert.match(last, /^child \d+, /);
  assert.notEqual(last, first);
  assert.ok((await page.locator(".lineage-scroll").evaluate((box) => box.scrollTop)) > 10_000);
  const chosen = page.getByRole("complementary", { name: "The chosen run" });
  await chosen.getByText("nested in").waitFor();
  await chosen.getByText(last.split(",")[0], { exact: true }).waitFor();
  await page.keyboard.press("Home");
  assert.match(await current(), /^crowd/);
  assert.deepEqual(mistakes, []);
});

test("the drawing and the list are the same lineage, in both themes and on a small screen", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
      const { page, mistakes } = await open(t, lineageOf(family.fork, `?sel=${family.restarted}`), { colorScheme, viewport });
      await page.getByText("What differs from its origin").waitFor();
      await settled(page);
      assert.deepEqual(await accessibilityFindings(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `wider than ${viewport.width}`);
      await page.getByRole("button", { name: "List" }).click();
      await page.locator(".lineage-run").first().waitFor();
      assert.equal(await page.locator(".lineage-run").count(), 8);
      assert.deepEqual(await accessibilityFindings(page), []);
      assert.deepEqual(mistakes, []);
    }
  }
});

test("names of bad intent stay names", async (t) => {
  const { page, mistakes } = await open(t, lineageOf(family.fork, `?sel=${family.child}`));
  const shown = await page.getByRole("complementary", { name: "The chosen run" }).getByRole("heading", { level: 2 }).textContent();
  assert.equal(shown, HOSTILE_NAMES.child);
  assert.equal(await page.evaluate(() => "hacked" in window || document.querySelector("main img") !== null), false);
  assert.deepEqual(mistakes, []);
});

test("a lineage is drawn below a path that the server knows nothing of", async (t) => {
  const portal = `http://127.0.0.1:${await startPortal(t, address, "/node/a/1")}/node/a/1`;
  const { context, page, mistakes } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(`${portal}/${lineageOf(family.fork)}`);
  await bar(page, family.fork).waitFor();
  assert.deepEqual(mistakes, []);
});

const card = (page) => page.locator('.card[data-metric="val_loss"]');
/** What the table of pinned values says: run, value and step of each line. */
const readings = async (page) => {
  await card(page).locator(".pinned time").first().waitFor();
  const rows = await card(page).locator(".pinned tbody tr").evaluateAll((found) => found.map((row) => [...row.children].map((cell) => cell.textContent)));
  return rows.map(([run, value, step]) => `${run}: ${value} at ${step}`);
};

test("a fork is drawn from its origin on: before its step the values are those of the origin, and named so", async (t) => {
  const place = `#/compare?runs=${family.fork},${family.restarted}`;
  const { page, mistakes } = await open(t, `${place}&pin=val_loss@30`);
  await card(page).locator(".pinned time").first().waitFor();
  assert.equal(await card(page).getAttribute("data-lines"), "2");

  await page.getByRole("button", { name: "From origin" }).click();
  await page.waitForURL(/origin=1/);
  await card(page).getByText("faded: control (origin) up to step 50").waitFor();
  assert.equal(await card(page).getAttribute("data-lines"), "3");
  assert.deepEqual((await readings(page)).filter((line) => !line.startsWith("restarted")), ["control (origin): 40 at 30"]);
  await page.getByText("Where restarted left its origin is not known: steps began anew.").waitFor();
  await page.goto(`${address}/${place}&origin=1&pin=val_loss@49`);
  await page.waitForFunction(() => document.querySelector(".pinned tbody")?.textContent.includes("59"));
  assert.ok((await readings(page)).includes("control (origin): 59 at 49"), "the last step before the fork is the origin's");
  await page.goto(`${address}/${place}&origin=1&pin=val_loss@50`);
  await page.waitForFunction(() => document.querySelector(".pinned tbody")?.textContent.includes("1050"));
  assert.ok((await readings(page)).includes("fork: 1050 at 50"));
  assert.deepEqual(mistakes, []);
});

test("an origin that is drawn itself is not drawn twice, and comes back when it is hidden", async (t) => {
  const { page, mistakes } = await open(t, `#/compare?runs=${family.second},${family.fork}&x=joined&origin=1`);
  await card(page).locator("canvas").first().waitFor();
  await settled(page);
  // The training of two attempts, what its second attempt went over again, and the fork.
  assert.equal(await card(page).getAttribute("data-lines"), "3");
  assert.equal(await card(page).getByText("faded:").count(), 0);
  await page.getByRole("button", { name: "Hide: control" }).click();
  await card(page).getByText("faded: control (origin) up to step 50").waitFor();
  assert.equal(await card(page).getAttribute("data-lines"), "2");
  assert.deepEqual(mistakes, []);
});

test("from the table two clicks tell which forks there are, where they left their origin, and what was changed", async (t) => {
  const { page, mistakes } = await open(t, `#/experiments/${family.experiment}/runs`);
  const row = page.locator(".grid-row").filter({ has: page.getByRole("link", { name: "control", exact: true }) });
  await row.getByRole("button", { name: "What can be done with it" }).click();
  await page.getByRole("menuitem", { name: "Compare the origin and its forks" }).click();

  const set = page.getByRole("list", { name: "Runs that are compared" });
  await set.getByText("forked from control at step 50").waitFor();
  const lines = await set.getByRole("listitem").allInnerTexts();
  assert.deepEqual(lines.map((line) => line.replace(/\s+/g, " ").trim().split(" family")[0]), ["control", "fork forked from control at step 50", "restarted forked from control"]);
  assert.match(page.url(), /x=joined&origin=1$/);
  const differs = page.getByRole("table", { name: "What differs" });
  await differs.getByRole("rowheader").first().waitFor();
  assert.match((await differs.getByRole("row").nth(1).innerText()).replace(/\s+/g, " "), /^param lr 1e-4 ≠ 5e-5 ≠ 1e-5$/);
  assert.deepEqual(mistakes, []);
});

test("beside curves of whole trainings, a duration is said to be that of an attempt", async (t) => {
  const place = `#/compare?runs=${family.second},${family.fork}&all=1&q=duration`;
  const { page, mistakes } = await open(t, place);
  const head = page.getByRole("table", { name: "What differs" }).getByRole("rowheader", { name: "duration" });
  await head.waitFor();
  assert.equal((await head.innerText()).replace(/\s+/g, " "), "attribute duration");
  await page.goto(`${address}/${place}&x=joined`);
  await head.getByText("this attempt only").waitFor();
  assert.deepEqual(mistakes, []);
});

test("where a set begins with a fork, what it was forked from is the base", async (t) => {
  const { page, mistakes } = await open(t, `#/compare?runs=${family.fork},${family.second}`);
  await page.getByRole("button", { name: "Base: control", pressed: true }).waitFor();
  await page.getByRole("button", { name: "Base: fork" }).click();
  await page.getByRole("button", { name: "Base: fork", pressed: true }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("a fork alone leads to its curves from the origin on, and a zoom into what is before it asks for that", async (t) => {
  const { page, mistakes } = await open(t, `#/experiments/${family.experiment}/runs/${family.fork}`);
  await page.getByRole("link", { name: "curves from the origin on" }).click();
  await card(page).getByText("faded: control (origin) up to step 50").waitFor();
  await page.goto(`${page.url()}&range=10:20&pin=val_loss@15`);
  await card(page).locator(".pinned time").first().waitFor();
  assert.deepEqual(await readings(page), ["control (origin): 25 at 15"]);
  assert.deepEqual(mistakes, []);
});

test("an origin says which forks it has, and leads to them from a little before they began", async (t) => {
  const { page, mistakes } = await open(t, `#/experiments/${forks.experiment}/runs/${forks.origin}`);
  assert.match(await page.getByRole("link", { name: "2 forks" }).getAttribute("href"), /\/lineage$/);
  await page.getByRole("button", { name: "Compare with" }).click();
  const link = await page.getByRole("link", { name: "origin and forks" }).getAttribute("href");
  assert.equal(link, await page.getByRole("link", { name: "compare with the origin" }).getAttribute("href"));
  // 5 % of what is after step 1,000.
  assert.match(link, /range=950:1999&/);
  // The curves of the run may still be asked for.
  const asked = page.waitForRequest((request) => request.url().endsWith("/series") && request.postDataJSON().range !== undefined);
  await page.getByRole("link", { name: "origin and forks" }).click();
  assert.deepEqual((await asked).postDataJSON().range, [950, 1_999]);
  await card(page).locator("canvas").first().waitFor();
  await page.getByRole("button", { name: "Reset zoom" }).click();
  await page.waitForURL((url) => !url.hash.includes("range="));
  await page.getByRole("button", { name: "From the fork on" }).click();
  await page.waitForURL(/range=950:1999/);
  await page.getByLabel("x", { exact: true }).selectOption("wall");
  await page.getByRole("button", { name: "From the fork on" }).waitFor({ state: "detached" });
  assert.deepEqual(mistakes, []);
});

test("many points together are told by their steps, one point by its own", async (t) => {
  const { page, mistakes } = await open(t, `#/compare?runs=${forks.origin},${forks.wide}`);
  // With the forks come words and buttons above the chart, which would move it away from the pointer.
  await page.getByRole("list", { name: "Runs that are compared" }).getByText("forked from deep at step 1,000").waitFor();
  await card(page).locator(".u-over").hover({ position: { x: 120, y: 60 } });
  await card(page).locator(".readings p").filter({ hasText: /^steps [\d,]+–[\d,]+$/ }).waitFor();
  await page.goto(`${address}/#/compare?runs=${forks.origin},${forks.wide}&range=1000:1100&pin=val_loss@1050`);
  await card(page).locator(".pinned strong").filter({ hasText: /^step 1,050$/ }).waitFor();
  await page.goto(`${address}/#/compare?runs=${forks.origin},${forks.wide}&pin=val_loss@1050`);
  await card(page).locator(".pinned strong").filter({ hasText: /^about step 1,050$/ }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("on a narrow window short attempts stand in one row, and their name opens the card", async (t) => {
  const { page, mistakes } = await open(t, `#/experiments/${forks.experiment}/runs/${forks.wide}/lineage`, { viewport: { width: 390, height: 844 } });
  await bar(page, forks.origin).waitFor();
  // Both at one moment: what is above may still take its room.
  const boxes = (runs) => runs.map((run) => document.querySelector(`[data-run="${run}"]`).getBoundingClientRect().toJSON());
  const [one, other] = await page.evaluate(boxes, [forks.first, forks.origin]);
  assert.equal(one.y, other.y);
  assert.ok(other.x >= one.x + one.width);
  await page.locator(".lineage-name").filter({ hasText: "narrow" }).locator(".name").click();
  await page.waitForURL(new RegExp(`sel=${forks.narrow}`));
  await page.getByRole("complementary", { name: "The chosen run" }).getByRole("heading", { name: "narrow" }).waitFor();
  assert.deepEqual(mistakes, []);
});

test("the mark of a fork names its origin, and the step where the data show it", async (t) => {
  const { page, mistakes } = await open(t, `#/experiments/${forks.experiment}/runs`);
  await page.locator(".grid-row").filter({ hasText: "narrow" }).getByTitle("Forked from deep at step 1,000", { exact: true }).waitFor();
  assert.deepEqual(mistakes, []);
});
