// Which rows the table of differences shows, and what its cells say. Pure.

import type { Diff } from "../../api/runs.ts";
import { valueText } from "../../lib/diff_text.ts";
import { configuredFirst } from "../../lib/told_differences.ts";
import { wordsOf } from "./run_set.ts";

export type DiffRow = Diff["rows"][number];
export type DiffValue = DiffRow["values"][number];

/** What the server makes of a value that is too long. */
const CUT = 2_001;
/** What a cell shows of a value; the whole is in a window of its own. */
const LONG = 32;

/** Whether the server told only the beginning. */
export function isCut(value: DiffValue): boolean {
  return typeof value === "string" && value.endsWith("…") && [...value].length === CUT;
}

/** Whether a value is worth a look at its words. */
export function isLong(value: DiffValue): boolean {
  return typeof value === "string" && value.length > LONG;
}

/** Whether two values differ as far as is told; of what is cut the rest may. */
export function differ(one: DiffValue, other: DiffValue): boolean {
  return one !== other || isCut(one);
}

/**
 * The rows, what was configured first, for the runs at `places` of the answer. Unless `all`, only those in which these differ; with a `filter` those that
 * have each of its words in their name, kind or values.
 */
export function rowsShown(rows: readonly DiffRow[], places: readonly number[], all: boolean, filter: string, utc = false): readonly DiffRow[] {
  const words = wordsOf(filter);
  return configuredFirst(rows).filter((row) => {
    const values = places.map((place) => row.values[place] ?? null);
    if (!all && !values.some((value) => differ(value, values[0] ?? null))) return false;
    if (words.length === 0) return true;
    const text = [row.kind, row.key, ...values.map((value) => valueText(row, value, utc))].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
