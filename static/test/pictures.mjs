// Makes the pictures of README.md and docs/UI.md from the demonstration data: npm --prefix static run pictures

import { fileURLToPath } from "node:url";
import { openPage, settled, startBrowser, startDemo } from "./browser/support.mjs";
import { ask } from "./browser/seed.mjs";

const DOCS = fileURLToPath(new URL("../../docs/", import.meta.url));
const SIZE = { width: 1440, height: 900 };
const TELEPHONE = { width: 390, height: 844 };

const ends = [];
const t = { after: (end) => ends.unshift(end) };
try {
  await takeAll(await startDemo(t, { at: null }), await startBrowser(t));
} finally {
  for (const end of ends) await end();
}

async function takeAll(address, browser) {
  const { experiments } = await ask(address, "experiments");
  const numbers = Object.fromEntries(experiments.map(({ name, experiment_id: id }) => [name, id]));
  const { rows } = await ask(address, "rows", { experiment_ids: Object.values(numbers), columns: ["attribute.run_name"], limit: 1_000 });
  const runs = Object.fromEntries(rows.toReversed().map(([run, experiment, , name]) => [name, { run, experiment }]));
  const at = (name, tab = "") => `#/experiments/${runs[name].experiment}/runs/${runs[name].run}${tab}`;
  const training = `#/experiments/${numbers["aifs/global"]}/runs`;
  const compared = ["huber", "narrow-256", "crps-wide"].map((name) => runs[name].run).join();

  const take = async (name, place, colorScheme = "light", viewport = SIZE) => {
    const { context, page } = await openPage(browser, { viewport, colorScheme });
    await page.goto(`${address}/${place}`);
    await page.waitForFunction(() => document.querySelector("h1") !== null);
    await page.waitForLoadState("networkidle");
    await settled(page);
    await page.screenshot({ path: `${DOCS}${name}.png` });
    await context.close();
  };
  await take("runs", `${training}?show=both&y=log&sm=0.5`);
  await take("runs-dark", `${training}?show=both&y=log&sm=0.5`, "dark");
  await take("experiments", "#/");
  await take("runs-table", `${training}?open=${runs.control.run}`);
  await take("run", at("control-long-rollout"));
  await take("compare", `#/compare?runs=${compared}&y=log`);
  const forks = ["control-huber", "control-long-rollout", "control-lr-2e-5"].map((name) => runs[name].run).join();
  await take("forks", `#/compare?runs=${runs.control.run},${forks}&base=${runs.control.run}&origin=1&sm=0.8&range=57000:150000`);
  await take("lineage", at("control-huber", "/lineage"));
  await take("relations", `#/experiments/${numbers["aifs/sweep"]}/runs?flat=1&show=relations`);
  await take("live", "#/runs?q=attributes.status = 'RUNNING'");
  await take("images", at("control", "/artifacts/plots/PlotSample"), "dark");
  await take("telephone", training, "dark", TELEPHONE);
  await take("curves", at("odd series", "/model-metrics"), "dark");
}
