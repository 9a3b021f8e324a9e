// Which runs are selected: some by name, or all that match but some. Pure.

import type { RunSearch, Selection } from "../../api/runs.ts";
import { withClause } from "../../lib/filter.ts";

export type Picked =
  | { all: false; runs: ReadonlySet<string> }
  /** All that match, whether or not they were ever loaded. */
  | { all: true; except: ReadonlySet<string> };

export const NOTHING: Picked = { all: false, runs: new Set() };
export const EVERYTHING: Picked = { all: true, except: new Set() };

/** As many as an address names. */
const MOST_IN_ADDRESS = 100;

export function isPicked(picked: Picked, run: string): boolean {
  return picked.all ? !picked.except.has(run) : picked.runs.has(run);
}

/** How many, of `matching` runs that match. */
export function countOf(picked: Picked, matching: number): number {
  return picked.all ? Math.max(0, matching - picked.except.size) : picked.runs.size;
}

export function withRuns(picked: Picked, runs: readonly string[], wanted: boolean): Picked {
  const set = new Set(picked.all ? picked.except : picked.runs);
  for (const run of runs) {
    if (wanted === picked.all) set.delete(run);
    else set.add(run);
  }
  return picked.all ? { all: true, except: set } : { all: false, runs: set };
}

export function toggled(picked: Picked, run: string): Picked {
  return withRuns(picked, [run], !isPicked(picked, run));
}

export function only(runs: readonly string[]): Picked {
  return { all: false, runs: new Set(runs) };
}

/** The selection as `sel` of an address; undefined for nothing, and for what an address cannot hold. */
export function writePicked(picked: Picked): string | undefined {
  if (picked.all) return picked.except.size === 0 ? "*" : undefined;
  return picked.runs.size === 0 || picked.runs.size > MOST_IN_ADDRESS ? undefined : [...picked.runs].join(",");
}

export function readPicked(text: string | undefined): Picked {
  if (text === "*") return EVERYTHING;
  return only((text ?? "").split(",").filter((run) => run !== "").slice(0, MOST_IN_ADDRESS));
}

/** The selection as the server takes it. */
export function asSelection(picked: Picked, search: RunSearch): Selection {
  return picked.all ? asSearch(picked, search) : { run_ids: [...picked.runs] };
}

/** All that match, without those that were taken out, as a search. */
export function asSearch(picked: Picked & { all: true }, search: RunSearch): RunSearch {
  if (picked.except.size === 0) return search;
  const ids = [...picked.except].map((run) => `'${run}'`).join(", ");
  return { ...search, filter: withClause(search.filter ?? "", `attributes.run_id NOT IN (${ids})`) };
}
