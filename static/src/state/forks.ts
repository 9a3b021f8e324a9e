// The forks among some runs, as the server knows them.

import { lineage, listRows } from "../api/runs.ts";
import { forkFamily, forkOf } from "../lib/forks.ts";
import type { Fork, ForkFamily } from "../lib/forks.ts";
import { BASKET_LIMIT } from "./basket.ts";
import { address } from "./place.ts";

/** What a run says that is a fork, or an attempt, of which the first may be one. */
const SIGNS = [
  "tags.forkedRunId",
  'params."config.training.fork_run_id"',
  'params."training.fork_run_id"',
  "tags.resumedRun",
];
/** What is written where there is nothing to be said. */
const NO_SIGN: ReadonlySet<string> = new Set(["", "None", "False", "null"]);
/** Cells that every row begins with. */
const FIXED = 3;
/** Families that are asked for: each is a request, and most sets of runs have one or none. */
const MOST_FAMILIES = 8;

/** The forks among runs of some experiments, by their ids. Asks for nothing more where none of them says that it is one. */
export async function readForks(ids: readonly string[], experiments: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Fork>> {
  const found = new Map<string, Fork>();
  if (ids.length === 0) return found;
  const filter = `attributes.run_id IN (${ids.map((id) => `'${id}'`).join(", ")})`;
  const { rows } = await listRows({ experiment_ids: experiments, filter, columns: SIGNS, run_view_type: "ALL", limit: ids.length }, signal);
  let left = rows.filter((row) => row.slice(FIXED).some((sign) => sign !== null && !NO_SIGN.has(String(sign)))).map(([id]) => String(id));
  for (let asked = 0; asked < MOST_FAMILIES; asked += 1) {
    const [first] = left;
    if (first === undefined) break;
    const family = await lineage(first, signal);
    for (const id of left) {
      const fork = forkOf(family, id);
      if (fork !== null) found.set(id, fork);
    }
    const covered = new Set([first, ...family.nodes.map(({ run_id }) => run_id)]);
    left = left.filter((id) => !covered.has(id));
  }
  return found;
}

/** The forks that belong to a run, and their origin; null where there are none. */
export async function readForkFamily(run: string): Promise<ForkFamily | null> {
  return forkFamily(await lineage(run), run);
}

/** Where forks are compared with what they come from: whole trainings, each fork from its origin on. What is before the first fork is one zoom away. */
export function forkComparison({ origin, forks, range }: ForkFamily): string {
  const state = { x: "joined", origin: "1", ...(range && { range: range.join(":") }) };
  return address({ screen: "compare", runs: [origin, ...forks].slice(0, BASKET_LIMIT).map(({ run_id }) => run_id) }, state);
}
