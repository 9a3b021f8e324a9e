// Fills a server through its API, as a training would.

import assert from "node:assert/strict";

/** What MLflow's API takes in one `log-batch`, of both together. */
const PARAMS_AT_ONCE = 100;
const POINTS_AT_ONCE = 900;
/** Requests at a time: the server commits together what comes together, and a commit waits for the disk. */
const AT_ONCE = 64;

/** When runs start that do not say it, epoch milliseconds. */
export const START_MS = Date.UTC(2026, 10, 20, 8);

/** Calls MLflow's API; the answer. */
export function call(address, path, body) {
  return answer(`${address}/api/2.0/mlflow/${path}`, body);
}

/** Asks the server's own API, by GET where there is no body; the answer. */
export function ask(address, path, body) {
  return answer(`${address}/api/windvane/v1/${path}`, body);
}

async function answer(url, body) {
  const options = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, options);
  const text = await response.text();
  assert.equal(response.status, 200, `${url}: ${text}`);
  return JSON.parse(text);
}

/** Makes an experiment; its id. */
export async function makeExperiment(address, name) {
  return (await call(address, "experiments/create", { name })).experiment_id;
}

/**
 * Makes a run with params and tags by name, and metrics by name as lists of values (one a step) or of [step, value]; its id.
 * Points are a second apart.
 */
export async function makeRun(address, experiment, { name, params = {}, tags = {}, metrics = {}, user = "ada", status = "FINISHED", start = START_MS }) {
  const created = await call(address, "runs/create", { experiment_id: experiment, run_name: name, user_id: user, start_time: start, tags: pairs(tags) });
  const run = created.run.info.run_id;
  const points = Object.entries(metrics).flatMap(([key, values]) =>
    values.map((found, place) => {
      const [step, value] = Array.isArray(found) ? found : [place, found];
      return { key, value, step, timestamp: start + place * 1_000 };
    }),
  );
  const batches = [inParts(pairs(params), PARAMS_AT_ONCE), inParts(points, POINTS_AT_ONCE)];
  for (let part = 0; part < Math.max(batches[0].length, batches[1].length); part += 1) {
    await call(address, "runs/log-batch", { run_id: run, params: batches[0][part] ?? [], metrics: batches[1][part] ?? [] });
  }
  if (status !== "RUNNING") await call(address, "runs/update", { run_id: run, status, end_time: start + 3_600_000 });
  return run;
}

/** Does the same for each item, some at a time; the results in order. */
export async function forEachOf(items, act) {
  const results = [];
  const rest = [...items].entries();
  const work = async () => {
    for (const [place, item] of rest) results[place] = await act(item, place);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

function pairs(values) {
  return Object.entries(values).map(([key, value]) => ({ key, value: String(value) }));
}

function inParts(items, size) {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) => items.slice(part * size, (part + 1) * size));
}
