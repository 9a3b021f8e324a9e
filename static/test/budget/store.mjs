// The store that budgets are measured on: the same each time, made through the API.

import { call, forEachOf, makeExperiment, makeRun, START_MS } from "../browser/seed.mjs";

const RUNS = 10_000;
const TRAININGS = 200;
/** Trainings that are compared. */
const COMPARED = 5;
/** Trainings with all their points. The others have few unless told: tens of millions would take longer than all that is measured. */
const WHOLE = process.env.BUDGET_WHOLE === "1" ? TRAININGS : COMPARED;
const PARAMS = 1_200;
const METRICS = 66;
const POINTS = 5_000;
const LONG_POINTS = 1_000_000;
const CURVES = 20;
const CURVE_POINTS = 2_000;
const RELATED = 1_000;
/** As many points as one request takes. */
const AT_ONCE = 1_000;
/** Runs that are compared in all their metrics, and the points of each; few unless told, too. */
const SIDE_BY_SIDE = { runs: 20, metrics: 30, points: process.env.BUDGET_WHOLE === "1" ? 100_000 : 1_000 };

/** Fills an empty server; what is where. */
export async function fillStore(address) {
  return {
    many: await manyRuns(address),
    ...(await trainings(address)),
    ...(await longRun(address)),
    ...(await curves(address)),
    related: await relatedRuns(address),
    sideBySide: await sideBySide(address),
  };
}

/** An experiment of many small runs; its id. */
async function manyRuns(address) {
  const experiment = await makeExperiment(address, "many");
  await forEachOf(Array.from({ length: RUNS }), (_, number) =>
    makeRun(address, experiment, {
      name: `run ${number}`,
      user: ["ada", "grace", "katherine"][number % 3],
      start: START_MS + number * 60_000,
      params: Object.fromEntries(Array.from({ length: 12 }, (_, place) => [`param_${place}`, String((number * (place + 3)) % 17)])),
      metrics: Object.fromEntries(["train_loss", "val_loss", "rmse", "lr"].map((name, place) => [name, [noise(number * 7 + place)]])),
    }),
  );
  return experiment;
}

/** An experiment of trainings as Anemoi logs them; its id, and those that are compared. */
async function trainings(address) {
  const experiment = await makeExperiment(address, "anemoi");
  const runs = await forEachOf(Array.from({ length: TRAININGS }), (_, number) => {
    const points = number < WHOLE ? POINTS : 3;
    return makeRun(address, experiment, {
      name: `aifs ${number}`,
      start: START_MS + number * 3_600_000,
      params: Object.fromEntries(Array.from({ length: PARAMS }, (_, place) => [paramName(place), place % 40 === 0 ? `${place} of ${number}` : `value ${place}`])),
      metrics: Object.fromEntries(Array.from({ length: METRICS }, (_, place) => [metricName(place), falling(points, number * METRICS + place)])),
    });
  });
  return { anemoi: experiment, compared: runs.slice(0, COMPARED) };
}

/** An experiment with one run of one metric of very many points. */
async function longRun(address) {
  const experiment = await makeExperiment(address, "long");
  const run = await makeRun(address, experiment, { name: "long", status: "RUNNING" });
  const parts = Array.from({ length: LONG_POINTS / 1_000 }, (_, part) => part * 1_000);
  await forEachOf(parts, (first) => {
    const metrics = Array.from({ length: 1_000 }, (_, place) => {
      const step = first + place;
      return { key: "train_loss", value: 1 / (1 + step / 1e5) + noise(step) / 10, step, timestamp: START_MS + step * 100 };
    });
    return call(address, "runs/log-batch", { run_id: run, metrics });
  });
  return { long: experiment, longRun: run };
}

/** An experiment of runs with one curve each. */
async function curves(address) {
  const experiment = await makeExperiment(address, "curves");
  const runs = await forEachOf(Array.from({ length: CURVES }), (_, number) =>
    makeRun(address, experiment, { name: `curve ${number}`, metrics: { loss: falling(CURVE_POINTS, number) } }),
  );
  return { curves: experiment, curveRuns: runs };
}

/** An experiment of runs whose params all differ, as many as are drawn and more than there are axes; its id. */
async function relatedRuns(address) {
  const experiment = await makeExperiment(address, "related");
  await forEachOf(Array.from({ length: RELATED }), (_, number) =>
    makeRun(address, experiment, {
      name: `related ${number}`,
      params: Object.fromEntries(Array.from({ length: 14 }, (_, place) => [`param_${place}`, noise(number * 31 + place * 10_007).toFixed(4)])),
      metrics: { val_loss: [noise(number * 7 + 1)] },
    }),
  );
  return experiment;
}

/** An experiment of runs that are long in each of many metrics; the runs. */
export async function sideBySide(address, { runs, metrics, points } = SIDE_BY_SIDE) {
  const experiment = await makeExperiment(address, "side by side");
  return forEachOf(Array.from({ length: runs }), async (_, number) => {
    const run = await makeRun(address, experiment, { name: `side ${number}`, status: "RUNNING" });
    // Made as they are sent: all at once they would fill the memory.
    for (let first = 0; first < metrics * points; first += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, metrics * points - first) }, (_, place) => {
        const [metric, step] = [Math.floor((first + place) / points), (first + place) % points];
        const value = 0.05 + 1 / (1 + step / 50) + noise((number * metrics + metric) * 10_007 + step) / 20;
        return { key: `val_loss/${metric}`, value, step, timestamp: START_MS + step * 1_000 };
      });
      await call(address, "runs/log-batch", { run_id: run, metrics: some });
    }
    await call(address, "runs/update", { run_id: run, status: "FINISHED", end_time: START_MS + points * 1_000 });
    return run;
  });
}

const GROUPS = ["data", "dataloader", "model", "training", "diagnostics", "hardware"];

function paramName(place) {
  return `config.${GROUPS[place % GROUPS.length]}.group_${Math.floor(place / 60)}.name_${place}`;
}

/** Seventeen of the model, and those that a machine logs of itself. */
function metricName(place) {
  const names = ["train_wmse_step", "train_wmse_epoch", "val_wmse_step", "val_wmse_epoch", "lr-AdamW", "epoch"];
  return names[place] ?? (place < 40 ? `val_wmse_inference_epoch/z_${place}` : `system/gpu_${place % 4}_value_${place}`);
}

function falling(points, seed) {
  return Array.from({ length: points }, (_, place) => 0.05 + 1 / (1 + place / 50) + noise(seed * 10_007 + place) / 20);
}

/** A number from 0 to 1 that looks like chance and is the same each time. */
function noise(seed) {
  let value = Math.imul(seed + 0x9e3779b9, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}
