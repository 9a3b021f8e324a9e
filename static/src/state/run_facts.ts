// What is known of runs by their ids alone: whose they are, what they are called, and which are not to be had.

import { listRows } from "../api/runs.ts";
import { shareExperiments } from "./experiments.ts";

/** A run that is there. */
export interface Facts {
  id: string;
  name: string;
  experiment: string;
  experimentName: string;
  status: string;
}

/** A run that was asked for and is left out; without a name it does not exist, or not for whoever asks. */
export interface LeftOut {
  id: string;
  name: string | null;
}

export interface Known {
  runs: readonly Facts[];
  leftOut: readonly LeftOut[];
}

/** What ids of runs look like; others are in no filter. */
const RUN_ID = /^[\w.-]{1,64}$/;
/** As many experiments as `rows` takes at once. */
const EXPERIMENTS_AT_ONCE = 1_000;

/** The facts of runs by their ids, in no order. */
export async function readFacts(ids: readonly string[], signal?: AbortSignal): Promise<Known> {
  const names = new Map<string, string>();
  for (const { experiment_id, name, runs, deleted_runs } of await shareExperiments()) {
    if (runs + deleted_runs > 0) names.set(experiment_id, name);
  }
  const wanted = ids.filter((id) => RUN_ID.test(id)).map((id) => `'${id}'`);
  const search = {
    filter: `attributes.run_id IN (${wanted.join(", ")})`,
    columns: ["attribute.run_name", "attribute.status"],
    run_view_type: "ALL",
    limit: wanted.length,
  } as const;
  const parts = wanted.length === 0 ? [] : inParts([...names.keys()], EXPERIMENTS_AT_ONCE);
  const answers = await Promise.all(parts.map((experiments) => listRows({ ...search, experiment_ids: experiments }, signal)));

  const runs: Facts[] = [];
  const inTrash = new Map<string, string>();
  for (const [run, experiment, life, name, status] of answers.flatMap(({ rows }) => rows)) {
    const id = String(run);
    const called = String(name ?? id.slice(0, 8));
    if (life !== "active") inTrash.set(id, called);
    else runs.push({ id, name: called, experiment: String(experiment), experimentName: names.get(String(experiment)) ?? "", status: String(status) });
  }
  const found = new Set(runs.map(({ id }) => id));
  const leftOut = ids.filter((id) => !found.has(id)).map((id) => ({ id, name: inTrash.get(id) ?? null }));
  return { runs, leftOut };
}

function inParts<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}
