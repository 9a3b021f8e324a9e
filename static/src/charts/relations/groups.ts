// The values of a metric, by the value of a param. Pure.

import { number } from "../../lib/format.ts";
import { MOST_GROUPS, different } from "./column.ts";
import type { Column } from "./column.ts";

export interface Group {
  name: string;
  /** The places of its runs that have a finite value of the metric. */
  runs: readonly number[];
}

/** Why there are no groups; null where there are. */
export function groupRefusal(by: Column): string | null {
  const many = by.kind === "number" ? different(by).length : by.texts.length;
  if (many === 0) return `No run has ${by.name}.`;
  if (many > MOST_GROUPS) return `${by.name} has ${many} different values. A box for each would say nothing: choose a param with at most ${MOST_GROUPS}.`;
  return null;
}

/** Groups in the order of their values; runs without one, and those whose value is no finite number, are the last groups. */
export function groupsOf(by: Column, metric: Column): readonly Group[] {
  const places = by.kind === "number" ? different(by) : by.texts.map((_, place) => place);
  const has = (run: number): boolean => Number.isFinite(metric.values[run] ?? Number.NaN);
  const all = by.values.map((_, run) => run).filter(has);
  const named = places.map((value) => ({ name: by.kind === "number" ? number(value) : (by.texts[value] ?? ""), runs: all.filter((run) => by.values[run] === value) }));
  const rest = all.filter((run) => !Number.isFinite(by.values[run] ?? Number.NaN));
  const odd = { name: "not a number", runs: rest.filter((run) => by.cells[run] !== null) };
  const missing = { name: "not set", runs: rest.filter((run) => by.cells[run] === null) };
  return [...named, ...[odd, missing].filter(({ runs }) => runs.length > 0)];
}
