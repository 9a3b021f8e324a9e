// What MLflow's client leaves on disk where there is no server: a folder for each experiment, in it one for each run.

import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { START_MS } from "./seed.mjs";

const STATUS_NUMBERS = { RUNNING: 1, FINISHED: 3, FAILED: 4 };

/** Makes an experiment of a store, with tags by name. Ids are numbers. */
export async function writeExperiment(store, id, name, tags = {}) {
  const folder = join(store, id);
  await writeAll(folder, { tags });
  const facts = {
    artifact_location: `file:///elsewhere/${id}`,
    creation_time: START_MS,
    experiment_id: `'${id}'`,
    last_update_time: START_MS,
    lifecycle_stage: "active",
    name,
  };
  await writeFile(join(folder, "meta.yaml"), yaml(facts));
}

/**
 * Makes a run with params and tags by name, metrics by name as lists of values (one a step), and files by path; where it lies.
 * Points are a second apart.
 */
export async function writeRun(store, experiment, id, { name, params = {}, tags = {}, metrics = {}, files = {}, status = "FINISHED", stage = "active", start = START_MS }) {
  const folder = join(store, experiment, id);
  const series = Object.fromEntries(Object.entries(metrics).map(([key, values]) => [key, values.map((value, step) => pointLine(value, step, start)).join("")]));
  await writeAll(folder, { params, tags, metrics: series, artifacts: files });
  const facts = {
    artifact_uri: `file:///elsewhere/${experiment}/${id}/artifacts`,
    end_time: status === "RUNNING" ? "null" : start + 3_600_000,
    entry_point_name: "''",
    experiment_id: `'${experiment}'`,
    lifecycle_stage: stage,
    run_id: id,
    run_name: name,
    run_uuid: id,
    source_name: "''",
    source_type: 4,
    source_version: "''",
    start_time: start,
    status: STATUS_NUMBERS[status],
    tags: "[]",
    user_id: "ada",
  };
  // What has no such file is no run yet.
  await writeFile(join(folder, "meta.yaml"), yaml(facts));
  return folder;
}

/** Logs one more point of a metric. */
export async function appendPoint(folder, key, value, step, start = START_MS) {
  await appendFile(join(folder, "metrics", key), pointLine(value, step, start));
}

function pointLine(value, step, start) {
  return `${start + step * 1_000} ${value} ${step}\n`;
}

function yaml(facts) {
  return Object.entries(facts).map(([key, value]) => `${key}: ${value}\n`).join("");
}

/** Files by path, in folders that are there even where nothing is in them. */
async function writeAll(home, folders) {
  for (const [folder, files] of Object.entries(folders)) {
    await mkdir(join(home, folder), { recursive: true });
    for (const [path, contents] of Object.entries(files)) {
      const place = join(home, folder, path);
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, Buffer.isBuffer(contents) ? contents : String(contents));
    }
  }
}
