// Makes the pictures of README.md and docs/UI.md from the demonstration data: npm --prefix static run pictures

import { fileURLToPath } from "node:url";
import { openPage, settled, startBrowser, startDemo } from "./browser/support.mjs";
import { ask } from "./browser/seed.mjs";

const DOCS = fileURLToPath(new URL("../../docs/", import.meta.url));
const SIZE = { width: 1440, height: 900 };

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

  const take = async (name, place, colorScheme = "light") => {
    const { context, page } = await openPage(browser, { viewport: SIZE, colorScheme });
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
  await take("curves", at("odd series", "/model-metrics"), "dark");
}
