// Curves in a real browser: every odd series of the demonstration and what its card says, and everything that hands do to charts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, call } from "./seed.mjs";
import { DEMO_TIME, accessibilityFindings, openPage, startBrowser, startDemo } from "./support.mjs";

/** Tall enough that all cards are in view. */
const VIEWPORT = { width: 1280, height: 1900 };

/** What the card of each metric of the run `odd series` is, how many lines it has, and what it says. */
const TRUTH = {
  all_at_step_0: ["line", 1, "200 values, all at step 0"],
  constant: ["line", 1, "constant 0.125"],
  hundred_thousand: ["line", 1, "400 of 100,000 points"],
  infinite: ["line", 1, "2 ∞ from step 30 · 1 −∞ from step 80"],
  many_restarts: ["line", 1, "20 of 3,000 points · steps go back too often to be told apart"],
  nan_tail: ["line", 1, "50 NaN from step 150"],
  one_value: ["tile", 1, ""],
  only_nan: ["line", 1, "40 NaN from step 0"],
  overlapping_restart: ["line", 2, "334 of 1,002 points · restarted at step 300"],
  spike: ["line", 1, "points above in 1 place · 334 of 1,000 points"],
  two_at_one_step: ["line", 1, "2 values, all at step 5"],
  with_zero_and_negative: ["line", 1, ""],
};

test("charts tell the truth and do what hands ask for", async (t) => {
  const address = await startDemo(t);
  const browser = await startBrowser(t);
  const experiments = Object.fromEntries((await ask(address, "experiments")).experiments.map(({ name, experiment_id: id }) => [name, id]));
  const truth = experiments.truth;
  const [odd] = await runsOf(address, truth, "odd series");
  const tab = `${address}/#/experiments/${truth}/runs/${odd}/model-metrics`;

  /** A page with these cards, all of them drawn; what it asked for curves; its mistakes, which must be none at the end. */
  const open = async (url, options = {}) => {
    const { context, page, mistakes } = await openPage(browser, { viewport: VIEWPORT, ...options });
    const asked = [];
    page.on("request", (request) => request.url().endsWith("/series") && asked.push(request.postDataJSON()));
    await page.goto(url);
    await drawn(page);
    const done = async () => {
      assert.deepEqual(mistakes, []);
      await context.close();
    };
    return { page, asked, mistakes, done };
  };

  await t.test("every odd series is drawn as what it is, and its card says so", async () => {
    const { page, done } = await open(tab);
    const found = await page.$$eval(".card", (cards) =>
      cards.map((card) => [card.dataset.metric, [card.dataset.kind, Number(card.dataset.lines), card.querySelector(".card-notes").textContent]]),
    );
    assert.deepEqual(Object.fromEntries(found), TRUTH);
    assert.match(await card(page, "one_value").textContent(), /0\.25step 7/);
    assert.match(await card(page, "spike").getByRole("group").getAttribute("aria-label"), /^spike, odd series, last .*, from .* to 1e6/);
    await done();
  });

  await t.test("what was left outside is shown by a click, and the address keeps it", async () => {
    const { page, done } = await open(tab);
    await card(page, "spike").getByRole("button", { name: "points above" }).click();
    await note(page, "spike", "334 of 1,000 points");
    assert.match(page.url(), /out=spike@0$/);
    await page.reload();
    await note(page, "spike", "334 of 1,000 points");
    await page.goBack();
    await note(page, "spike", TRUTH.spike[2]);
    await done();
  });

  await t.test("a logarithmic axis marks and counts what is not above 0", async () => {
    const { page, done } = await open(tab);
    await page.getByRole("button", { name: "Log", exact: true }).click();
    await note(page, "with_zero_and_negative", "105 values ≤ 0");
    assert.match(page.url(), /y=log$/);
    await page.keyboard.press("l");
    await note(page, "with_zero_and_negative", "");
    await done();
  });

  await t.test("a drag zooms: the server is asked for the range, and the old drawing stays until it answers", async () => {
    const { page, asked, done } = await open(tab);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("**/series", async (route) => {
      await held;
      await route.continue();
    });
    const before = asked.length;
    await drag(page, "hundred_thousand", 0.5, 0.75);
    await page.waitForURL(/range=\d+:\d+/);
    await page.waitForFunction((count) => document.querySelectorAll(".card[aria-busy=true]").length >= count, 3);
    assert.equal(await card(page, "hundred_thousand").locator("canvas").count(), 1);
    assert.equal(await card(page, "hundred_thousand").locator(".card-notes").textContent(), TRUTH.hundred_thousand[2]);
    release();
    await page.waitForFunction(() => !document.querySelector('[data-metric="hundred_thousand"] .card-notes').textContent.endsWith("100,000 points"));
    const [from, to] = /range=(\d+):(\d+)/.exec(page.url()).slice(1).map(Number);
    assert.ok(from > 45_000 && from < 55_000 && to > 70_000 && to < 80_000, `${from}:${to}`);
    assert.ok(asked.slice(before).every(({ range, x }) => x === "relative" || (range[0] === from && range[1] === to)));
    await note(page, "constant", "");
    assert.equal(await card(page, "constant").getAttribute("data-kind"), "none");
    await note(page, "all_at_step_0", "");
    await page.getByRole("button", { name: "Reset zoom" }).click();
    await note(page, "hundred_thousand", TRUTH.hundred_thousand[2]);
    await done();
  });

  await t.test("with shift a drag limits the vertical axis of its card, a double click shows all, an axis can be moved", async () => {
    const { page, done } = await open(tab);
    const over = card(page, "infinite").locator(".u-over");
    const box = await over.boundingBox();
    await page.keyboard.down("Shift");
    await page.mouse.move(box.x + 50, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 60, box.y + 90, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up("Shift");
    await page.waitForURL(/yr=infinite@[\d.]+:[\d.]+$/);
    await over.dblclick();
    await page.waitForURL((url) => !url.hash.includes("yr="));
    const axis = await card(page, "infinite").locator(".u-axis").first().boundingBox();
    await page.mouse.move(axis.x + 100, axis.y + 10);
    await page.mouse.down();
    await page.mouse.move(axis.x + 60, axis.y + 10, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/range=\d+:\d+/);
    await done();
  });

  await t.test("Ctrl with the wheel zooms around the pointer, and z takes it back", async () => {
    const { page, done } = await open(tab);
    await card(page, "hundred_thousand").locator(".u-over").hover();
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -200);
    await page.keyboard.up("Control");
    await page.waitForURL(/range=\d+:\d+/);
    await page.keyboard.press("z");
    await page.waitForURL((url) => !url.hash.includes("range="));
    await done();
  });

  await t.test("one cursor stands in all cards with the same x, which read their values", async () => {
    const { page, done } = await open(tab);
    await card(page, "nan_tail").locator(".u-over").hover({ position: { x: 100, y: 60 } });
    await card(page, "nan_tail").locator(".readings").waitFor();
    assert.match(await card(page, "nan_tail").locator(".readings").textContent(), /^step \d+/);
    await card(page, "constant").locator(".card-readout").waitFor();
    assert.equal(await card(page, "constant").locator(".card-readout").textContent(), "0.125");
    assert.equal(await card(page, "all_at_step_0").locator(".card-readout").count(), 0, "its x is another one");
    await page.mouse.move(5, 5);
    await card(page, "constant").locator(".card-readout").waitFor({ state: "detached" });
    await done();
  });

  await t.test("arrow keys read values, Enter pins them in a table with step and time, Escape takes it away", async () => {
    const { page, done } = await open(tab);
    await card(page, "nan_tail").getByRole("group").focus();
    for (const _ of [1, 2, 3]) await page.keyboard.press("ArrowLeft");
    await card(page, "nan_tail").locator(".readings").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/pin=nan_tail@\d+$/);
    await card(page, "nan_tail").locator(".pinned time").waitFor();
    assert.match(await card(page, "nan_tail").locator(".pinned tbody").textContent(), /^odd series0\.\d+\d+/);
    await card(page, "nan_tail").getByRole("group").focus();
    await page.keyboard.press("Escape");
    await card(page, "nan_tail").locator(".pinned").waitFor({ state: "detached" });
    await card(page, "constant").locator(".u-over").click({ position: { x: 80, y: 40 } });
    await card(page, "constant").locator(".pinned time").waitFor();
    await page.getByRole("button", { name: "Unpin" }).click();
    await page.waitForURL((url) => !url.hash.includes("pin="));
    await done();
  });

  await t.test("smoothing is the server's, and a zoom does not change it", async () => {
    const { page, asked, done } = await open(`${tab}?m=nan_tail&sm=0.9`);
    assert.equal(asked.at(-1).smoothing, 0.9);
    const smoothAt100 = async () => {
      const answer = await ask(address, "series", { ...asked.at(-1), buckets: 2_000 });
      const [{ segments }] = answer.series;
      return segments[0].smooth[answer.x.indexOf(100)];
    };
    const whole = await smoothAt100();
    await answered(page, () => drag(page, "nan_tail", 0.3, 0.6));
    await page.waitForURL(/range=/);
    assert.equal(asked.at(-1).range.length, 2);
    assert.equal(await smoothAt100(), whole);
    await page.keyboard.press("s");
    await page.waitForURL((url) => !url.hash.includes("sm="));
    await done();
  });

  await t.test("x can be time, the whole training or a metric, and each is in the address", async () => {
    const { page, asked, done } = await open(`${tab}?m=nan_tail`);
    const choose = page.getByLabel("x", { exact: true });
    for (const [name, state, x] of [["Time since start", "rel", "relative"], ["Wall time", "wall", "wall"], ["Whole training", "joined", "step"], ["constant", "metrics.constant", "metrics.constant"]]) {
      await answered(page, () => choose.selectOption({ label: name }));
      await page.waitForURL((url) => url.hash.endsWith(`x=${state}`));
      assert.equal(asked.at(-1).x, x);
      assert.equal(asked.at(-1).joined, state === "joined" ? true : undefined);
    }
    await choose.selectOption({ label: "Step" });
    await page.waitForURL((url) => !url.hash.includes("x="));
    await done();
  });

  await t.test("metrics are filtered by words and expressions; what is none says so", async () => {
    const { page, done } = await open(tab);
    const filter = page.getByLabel("Filter metrics");
    await filter.fill("/^only|^one/");
    await page.getByText("2 of 12").waitFor();
    await page.waitForURL(/m=\/\^|m=\/%5Eonly/);
    await filter.fill("/(/");
    await page.getByText("is no regular expression").waitFor();
    await filter.fill("nothing");
    await page.getByText("No name of 12 metrics matches.").waitFor();
    await filter.fill("");
    await page.getByText("12 metrics", { exact: true }).waitFor();
    await page.getByRole("button", { name: /^Other metrics/ }).click();
    await card(page, "infinite").waitFor({ state: "detached" });
    await page.reload();
    await page.getByRole("button", { name: /^Other metrics/, expanded: false }).click();
    await card(page, "infinite").waitFor();
    await done();
  });

  await t.test("the menu of a card: limits, drawing together, keeping on top, a table, the raw points, a link", async () => {
    const { page, done } = await open(tab, { permissions: ["clipboard-read", "clipboard-write"] });
    const choose = async (metric, item) => {
      await page.getByRole("button", { name: `What can be done with ${metric}` }).click();
      await page.getByRole("button", { name: item }).click();
    };
    await choose("constant", "Limits…");
    await page.getByRole("textbox", { name: "From" }).fill("2");
    await page.getByRole("textbox", { name: "To" }).fill("1");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText("from '2' to '1' is no range").waitFor();
    await page.getByRole("textbox", { name: "To" }).fill("3");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.waitForURL(/yr=constant@2:3$/);

    await choose("infinite", "Logarithmic");
    await page.waitForURL(/y=infinite@log/);

    await choose("nan_tail", "Draw together with…");
    await page.getByRole("checkbox", { name: "constant" }).check();
    await page.getByRole("button", { name: "Draw together" }).click();
    await page.waitForURL(/with=nan_tail%2Bconstant/);
    await page.locator('.card[data-metric="nan_tail+constant"][data-lines="2"]').waitFor();
    await choose("nan_tail + constant", "Take apart");
    // The card is a new one: what its table shows comes with its curves.
    await page.locator('.card[data-metric="nan_tail"][data-kind="line"]').waitFor();

    await choose("only_nan", "Keep on top");
    await page.getByRole("region", { name: "Principal" }).locator('[data-metric="only_nan"]').waitFor();
    await choose("only_nan", "Keep on top");
    await page.getByRole("region", { name: "Other metrics" }).locator('[data-metric="only_nan"]').waitFor();

    await choose("nan_tail", "As table");
    assert.match(await page.getByRole("dialog").locator("tbody").textContent(), /^odd series20001991\.\d+NaN/);
    assert.deepEqual(await accessibilityFindings(page), []);
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "What can be done with nan_tail" }).click();
    const href = await page.getByRole("link", { name: "All points as CSV" }).getAttribute("href");
    const csv = await (await fetch(new URL(href, page.url()))).text();
    assert.equal(csv.trim().split("\n").length, 201);
    await page.getByRole("article").getByRole("button", { name: "Copy link" }).click();
    await page.getByText("The link was copied.").waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /m=nan_tail/);
    await done();
  });

  await t.test("another theme changes the colours of what is drawn", async () => {
    const { page, done } = await open(`${tab}?m=constant`, { colorScheme: "light" });
    const ink = () =>
      page.$eval(".card canvas", (canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Map();
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.set(data.slice(at, at + 3).join(), (seen.get(data.slice(at, at + 3).join()) ?? 0) + 1);
        return [...seen].sort(([, one], [, other]) => other - one)[0][0];
      });
    const light = await ink();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForFunction((before) => {
      const canvas = document.querySelector(".card canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255 && data.slice(at, at + 3).join() === before) return false;
      return true;
    }, light);
    await done();
  });

  await t.test("what fails is told in its card, and can be tried again", async () => {
    const { page, mistakes, done } = await open(`${tab}?m=constant`);
    await page.route("**/series", (route) => route.fulfill({ status: 503, json: { message: "too many requests wait" } }));
    await page.getByLabel("x", { exact: true }).selectOption({ label: "Wall time" });
    await card(page, "constant").getByText("too many requests wait").waitFor();
    await page.unroute("**/series");
    await card(page, "constant").getByRole("button", { name: "Retry" }).click();
    await card(page, "constant").getByText("too many requests wait").waitFor({ state: "detached" });
    assert.deepEqual(mistakes.splice(0).filter((text) => !text.includes("503")), []);
    await done();
  });

  await t.test("new points are drawn while somebody looks", async () => {
    const { page, done } = await open(`${tab}?m=hundred_thousand`);
    // What comes before the first look is not told.
    await page.getByText("Live", { exact: true }).first().waitFor();
    const metrics = Array.from({ length: 500 }, (_, index) => ({ key: "hundred_thousand", value: 0.5, step: 100_000 + index, timestamp: Date.parse(DEMO_TIME) + index }));
    await call(address, "runs/log-batch", { run_id: odd, metrics });
    await page.waitForFunction(() => document.querySelector(".card-notes").textContent.endsWith("100,500 points"));
    // And x goes as far as they do.
    const box = await card(page, "hundred_thousand").locator(".u-over").boundingBox();
    await page.mouse.move(box.x + box.width - 1, box.y + 60);
    await card(page, "hundred_thousand").locator(".readings p").filter({ hasText: /^steps 100,/ }).waitFor();
    await done();
  });

  await t.test("names that users wrote are names", async () => {
    const [hostile] = await runsOf(address, truth, "hostile <img src=x onerror=alert(1)>");
    const { page, done } = await open(`${address}/#/experiments/${truth}/runs/${hostile}/model-metrics`);
    page.on("dialog", () => assert.fail("a name became a script"));
    for (const metric of ["constructor", "__proto__", "größe/温度", "with spaces: and colons"]) assert.equal(await card(page, metric).getAttribute("data-kind"), "line");
    await card(page, "__proto__").locator(".u-over").click({ position: { x: 80, y: 40 } });
    await card(page, "__proto__").locator(".pinned time").waitFor();
    await done();
  });

  await t.test("the machine's metrics are stacked by device over the whole training, with its attempts marked", async () => {
    const [attempt] = await runsOf(address, experiments["aifs/global"], "control");
    const { page, asked, done } = await open(`${address}/#/experiments/${experiments["aifs/global"]}/runs/${attempt}/system-metrics`);
    assert.ok(asked.every(({ joined, x }) => joined && x === "relative"));
    const titles = await page.$$eval(".card-section", (sections) => sections.map((section) => section.getAttribute("aria-label")));
    assert.deepEqual(titles, ["cpu", "disk", "gpu 0", "gpu 1", "gpu 2", "gpu 3", "system memory"]);
    await done();
  });

  await t.test("several runs: a legend that hides and lifts, dots for single values, and their mean where they are many", async () => {
    const sweep = experiments["aifs/sweep"];
    const runs = (await rowsOf(address, sweep)).map(([id]) => id).slice(0, 22);
    for (const [index, id] of runs.slice(0, 3).entries()) await call(address, "runs/log-metric", { run_id: id, key: "score", value: index, step: 9, timestamp: 1_795_000_000_000 });
    const { page, done } = await open(`${address}/#/compare?runs=${runs.slice(0, 3).join()}&m=score,train_wmse_step`);
    assert.equal(await card(page, "score").getAttribute("data-kind"), "dots");
    assert.equal(await card(page, "score").locator("circle").count(), 3);
    assert.equal(await card(page, "train_wmse_step").getAttribute("data-lines"), "3");
    await page.getByRole("list", { name: "Runs", exact: true }).getByRole("button").first().click();
    await page.waitForURL(/hide=/);
    await page.locator('.card[data-metric="train_wmse_step"][data-lines="2"]').waitFor();

    await page.goto(`${address}/#/compare?runs=${runs.join()}&m=train_wmse_step`);
    await page.locator('.card[data-metric="train_wmse_step"][data-lines="1"]').waitFor();
    assert.match(await card(page, "train_wmse_step").locator(".card-notes").textContent(), /^mean of 22 runs/);
    await page.getByRole("button", { name: "Draw all 22 runs" }).click();
    await page.waitForURL(/each=1/);
    await page.locator('.card[data-metric="train_wmse_step"][data-lines="22"]').waitFor();
    await done();
  });

  for (const colorScheme of ["light", "dark"]) {
    await t.test(`nothing is in the way of those who see or move otherwise (${colorScheme})`, async () => {
      const { page, done } = await open(`${tab}?pin=nan_tail@50`, { colorScheme });
      await card(page, "nan_tail").locator(".pinned time").waitFor();
      assert.deepEqual(await accessibilityFindings(page), []);
      await done();
    });
  }
});

function card(page, metric) {
  return page.locator(`.card[data-metric="${metric}"]`);
}

/** Does something after which curves are asked for, and waits until they were answered. */
async function answered(page, act) {
  const answer = page.waitForResponse((response) => response.url().endsWith("/series"));
  await act();
  await answer;
}

/** Waits until all cards that are seen have their curves. */
async function drawn(page) {
  await page.locator(".card").first().waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".card")]
      .filter((one) => one.getBoundingClientRect().top < innerHeight)
      .every((one) => one.dataset.kind !== "waiting" && one.getAttribute("aria-busy") === "false"),
  );
}

/** Waits until a card says something. */
async function note(page, metric, text) {
  await page.waitForFunction(([name, said]) => document.querySelector(`.card[data-metric="${name}"] .card-notes`)?.textContent === said, [metric, text]);
}

/** Drags over a chart from one share of its width to another. */
async function drag(page, metric, from, to) {
  const box = await card(page, metric).locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * from, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, box.y + 50, { steps: 5 });
  await page.mouse.up();
}

async function rowsOf(address, experiment) {
  const request = { experiment_ids: [experiment], columns: ["attribute.run_name"], limit: 50 };
  return (await ask(address, "rows", request)).rows.map(([id, , , name]) => [id, name]);
}

async function runsOf(address, experiment, name) {
  return (await rowsOf(address, experiment)).filter(([, its]) => its === name).map(([id]) => id);
}
