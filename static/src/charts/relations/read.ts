// What plots of relations are made of: the runs of a search, and what these have of params, metrics and attributes.

import { diff, listKeys, listRows } from "../../api/runs.ts";
import type { Cell, RunSearch } from "../../api/runs.ts";
import { field } from "../../lib/filter.ts";
import { distinctNames } from "../../lib/distinct.ts";
import type { DrawnRun } from "../scene.ts";
import { columnOf, distinctColumns } from "./column.ts";
import type { Column } from "./column.ts";

/** As many runs as are drawn: one answer of the server. */
export const MOST_RUNS = 1_000;
/** What one answer of the server holds. */
const CELLS = 20_000;
const COLUMNS = 200;
/** As many runs as the server compares at once. */
const COMPARED = 100;
/** Params that are read to be ranked; others are read when they are chosen. */
const MOST_PARAMS = 100;
/** Names of params that differ, as the server tells them. */
const MOST_NAMES = 1_000;

const NAME = "attributes.run_name";
const ATTRIBUTES = ["attributes.user_id", "attributes.status"];

/** The runs, and their columns by field, as far as they were read. */
export interface Frame {
  runs: readonly DrawnRun[];
  /** Runs that the search finds; no more than {@link MOST_RUNS} are drawn. */
  total: number;
  columns: ReadonlyMap<string, Column>;
  /** Fields of params and attributes that can be axes; those that were read come first. */
  fields: readonly string[];
}

interface Runs {
  runs: readonly DrawnRun[];
  total: number;
  candidates: readonly string[];
  rest: readonly string[];
}

/** Reads the columns of a search, each once. */
export class Reader {
  // Only what has arrived: a question that was given up must not be the answer to the next.
  readonly #cells = new Map<string, readonly Cell[]>();
  #runs: Runs | undefined;

  constructor(
    readonly search: RunSearch,
    /** Whether a few runs were chosen one by one, so that nothing is known of all others. */
    readonly isSet: boolean,
  ) {}

  /** What is known, with these fields beside all that is read to be ranked. */
  async read(fields: readonly string[], signal: AbortSignal): Promise<Frame> {
    const { runs, total, candidates, rest } = (this.#runs ??= await this.#firstRead(signal));
    const wanted = [...new Set([...candidates, ...fields])];
    const missing = runs.length === 0 ? [] : wanted.filter((id) => !this.#cells.has(id));
    const atOnce = Math.max(1, Math.min(COLUMNS, Math.floor(CELLS / Math.max(1, runs.length))));
    const parts = Array.from({ length: Math.ceil(missing.length / atOnce) }, (_, part) => missing.slice(part * atOnce, (part + 1) * atOnce));
    await Promise.all(
      parts.map(async (part) => {
        const found = await this.#rows(part, runs.length, signal);
        for (const [place, id] of part.entries()) this.#cells.set(id, runs.map((run) => found.get(run.id)?.[place] ?? null));
      }),
    );
    const columns = new Map(distinctColumns(wanted.map((id) => columnOf(id, this.#cells.get(id) ?? []))).map((column) => [column.id, column]));
    return { runs, total, columns, fields: [...candidates, ...rest] };
  }

  /** Which runs there are, and which of their params differ. */
  async #firstRead(signal: AbortSignal): Promise<Runs> {
    const { search, isSet } = this;
    const { rows, total } = await listRows({ ...search, columns: [NAME], limit: MOST_RUNS }, signal);
    const runs = rows.map(([id, experiment, , name]) => ({ id: String(id), experiment: String(experiment), name: String(name ?? id) }));
    const every = Math.max(1, runs.length / COMPARED);
    const some = runs.filter((_, place) => Math.floor(place / every) > Math.floor((place - 1) / every));
    const [compared, keys] = await Promise.all([
      runs.length < 2 ? null : diff(some.map(({ id }) => id), false, ["param"], signal),
      isSet || runs.length <= COMPARED ? [] : listKeys("param", search.experiment_ids, "", MOST_NAMES, signal),
    ]);
    // First those of which runs have different values: where a run has none of a configuration, all of it differs.
    const sampled = (compared?.rows ?? []).map(({ key, values }) => ({ key, several: new Set(values.filter((value) => value !== null)).size > 1 }));
    const others = keys.filter(({ differs }) => differs).map(({ key, values }) => ({ key, several: (values ?? []).length > 1 }));
    const names = [...sampled, ...others].sort((one, other) => Number(other.several) - Number(one.several)).map(({ key }) => key);
    const fields = [...new Set(names)].map((key) => field("params", key)).filter((id) => id !== null);
    return { runs: distinctNames(runs), total, candidates: [...ATTRIBUTES, ...fields.slice(0, MOST_PARAMS)], rest: fields.slice(MOST_PARAMS) };
  }

  async #rows(columns: readonly string[], limit: number, signal: AbortSignal): Promise<ReadonlyMap<string, readonly Cell[]>> {
    const { rows } = await listRows({ ...this.search, columns, limit }, signal);
    return new Map(rows.map(([id, , , ...cells]) => [String(id), cells]));
  }
}
