// Every screen as it stands: in windows of all sizes, in both themes, and below a path prefix. Each must be drawn without an error in the
// console, without a request to anybody else, without anything wider than the window, and without a finding of axe-core.
//
// With SHOTS=folder a picture of each is left there, to be looked at.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ask } from "./seed.mjs";
import { accessibilityFindings, openPage, settled, startBrowser, startDemo, startPortal } from "./support.mjs";

const SHOTS = process.env.SHOTS;
const DESK = { width: 1280, height: 800 };
const TELEPHONE = { width: 390, height: 844 };
/** The windows that screens are seen in: each has its own layout, and both themes. */
const LOOKS = [
  [DESK, "light"],
  [DESK, "dark"],
  [{ width: 1920, height: 1080 }, "light"],
  [{ width: 820, height: 1100 }, "dark"],
  [TELEPHONE, "light"],
  [TELEPHONE, "dark"],
];

/** What the tests of this file share, and what ends with the last of them. */
const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let address;
let browser;
/** The demonstration's runs by name (the newest of each), and its experiments' ids by name. */
let runs;
let experiments;

before(async () => {
  address = await startDemo(shared);
  browser = await startBrowser(shared);
  if (SHOTS) await mkdir(SHOTS, { recursive: true });
  ({ runs, experiments } = await known(address));
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** Ids by name, as the server tells them. */
async function known(server) {
  const found = (await ask(server, "experiments")).experiments;
  const columns = ["attribute.run_name"];
  const table = await ask(server, "rows", { experiment_ids: found.map((one) => one.experiment_id), columns, limit: 1000 });
  // Newest first, so the newest of a name is kept.
  const newest = new Map(table.rows.toReversed().map(([run, experiment, , name]) => [name, { run, experiment }]));
  return { experiments: new Map(found.map((one) => [one.name, one.experiment_id])), runs: newest };
}

/** Where a run of this name is. */
function at(name, tab = "") {
  const { run, experiment } = runs.get(name);
  return `#/experiments/${experiment}/runs/${run}${tab}`;
}

const ids = (...names) => names.map((name) => experiments.get(name)).join(",");
const HOSTILE = "hostile <img src=x onerror=alert(1)>";

/** The name of a picture, the address, and what is seen once the screen is there. */
const SCREENS = [
  ["experiments", () => "#/", (page) => page.getByRole("link", { name: "aifs/global" })],
  ["experiments-trash", () => "#/experiments?state=deleted", (page) => page.getByRole("region", { name: "Runs in the trash" })],
  ["runs", () => `#/experiments/${ids("aifs/global")}/runs`, (page) => page.getByRole("link", { name: "huber" })],
  ["runs-charts", () => `#/experiments/${ids("aifs/global")}/runs?show=both`, (page) => page.locator(".card-grid")],
  ["runs-relations", () => `#/experiments/${ids("aifs/sweep")}/runs?show=relations`, (page) => page.locator(".parallel")],
  ["runs-relations-box", () => `#/experiments/${ids("aifs/sweep")}/runs?show=relations&rel=box`, (page) => page.locator(".point-plot")],
  ["runs-nested", () => `#/experiments/${ids("aifs/sweep")}/runs?open=${runs.get("rate-width-batch").run}`, (page) =>
    page.getByRole("link", { name: "lr 1e-04 channels 512 batch 8" })],
  ["runs-filtered", () => `#/experiments/${ids("aifs/global")}/runs?q=metrics.absent%20%3E%201`, (page) => page.locator(".empty")],
  ["runs-groups", () => `#/experiments/${ids("aifs/sweep")}/runs?group=params.config.training.optimization.lr`, (page) => page.getByRole("treegrid", { name: "Runs by" })],
  ["runs-mistake", () => `#/experiments/${ids("aifs/global")}/runs?q=metrics.loss%20%3E`, (page) => page.getByText("expected")],
  ["runs-of-two", () => `#/experiments/${ids("aifs/global", "ensemble/crps")}/runs`, (page) =>
    page.getByRole("link", { name: "crps-evaluation" })],
  ["runs-of-all", () => "#/runs?flat=1", (page) => page.getByRole("link", { name: "wide-1024" })],
  ["live", () => "#/runs?q=attributes.status='RUNNING'", (page) => page.getByRole("link", { name: "wide-1024" })],
  ["run", () => at("control-long-rollout"), (page) => page.locator("canvas")],
  ["run-running", () => at("control-lr-2e-5"), (page) => page.locator("canvas")],
  ["run-metrics", () => at("control-long-rollout", "/model-metrics"), (page) => page.locator("canvas")],
  ["run-system-metrics", () => at("control-long-rollout", "/system-metrics"), (page) => page.locator("canvas")],
  ["run-params", () => at("control-long-rollout", "/params"), (page) => page.getByText("training", { exact: true })],
  ["run-artifacts", () => at("control-long-rollout", "/artifacts"), (page) => page.getByText("terminal_log.txt")],
  ["run-images", () => at("control", "/artifacts/plots/PlotSample"), (page) => page.getByRole("slider", { name: "Step" })],
  ["run-lineage", () => at("control-long-rollout", "/lineage"), (page) => page.getByText("forked")],
  ["run-lineage-chosen", () => `${at("control-long-rollout", "/lineage")}?x=step&sel=${runs.get("control-lr-2e-5").run}`, (page) =>
    page.getByText("config.training.optimization.lr")],
  ["run-lineage-list", () => `${at("control-long-rollout", "/lineage")}?show=list`, (page) => page.locator(".lineage-run")],
  ["run-hostile", () => at(HOSTILE), (page) => page.getByText(HOSTILE)],
  ["run-absent", () => `#/experiments/1/runs/${"0".repeat(32)}`, (page) => page.getByText("There is no such run.")],
  ["truth", () => at("odd series", "/model-metrics"), (page) => page.locator("canvas")],
  ["compare", () => `#/compare?runs=${["huber", "narrow-256", "crps-wide"].map((name) => runs.get(name).run).join(",")}`, (page) =>
    page.locator("canvas")],
  ["compare-none", () => "#/compare", (page) => page.locator(".empty")],
  ["admin-users", () => "#/admin/users", (page) => page.getByText("This server is open")],
  ["admin-storage", () => "#/admin/storage", (page) => page.getByRole("link", { name: "aifs/global" })],
  ["admin-server", () => "#/admin/server", (page) => page.getByText("It answers.")],
  ["settings", () => "#/settings", (page) => page.getByRole("heading", { name: "Settings" })],
  ["view-absent", () => "#/views/abcdefgh", (page) => page.getByText("There is no such view.")],
  ["unknown", () => "#/models/aifs", (page) => page.getByText("There is no such page.")],
];

for (const [name, where, sight] of SCREENS) {
  test(`the screen ${name}`, async (t) => {
    for (const [size, theme] of LOOKS) {
      const { context, page, mistakes } = await openPage(browser, { viewport: size, colorScheme: theme });
      await page.goto(`${address}/${where()}`);
      await sight(page).first().waitFor();
      await settled(page);
      if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}-${size.width}-${theme}.png`) });

      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `${name} is wider than the window of ${size.width}`);
      assert.deepEqual(await accessibilityFindings(page), [], `${name}, ${theme}, ${size.width}`);
      assert.deepEqual(mistakes.filter(isUnmeant), [], name);
      await context.close();
    }
  });
}

test("every screen works below the path of a portal that knows nothing of it", async (t) => {
  const portal = `http://127.0.0.1:${await startPortal(t, address, "/node/login1/5000")}/node/login1/5000`;
  for (const [name, where, sight] of SCREENS) {
    const { context, page, mistakes } = await openPage(browser);
    await page.goto(`${portal}/${where()}`);
    await sight(page).first().waitFor();
    await settled(page);
    assert.deepEqual(mistakes.filter(isUnmeant), [], name);
    await context.close();
  }
});

/** Chromium itself writes to the console that an answer is a refusal; some screens are about these. */
function isUnmeant(mistake) {
  return !/^Failed to load resource: .* status of 40[04]/.test(mistake);
}
