// Which axes parallel coordinates have, and in which order. Pure.

import { different, isIdentity, isNaming } from "./column.ts";
import type { Column } from "./column.ts";
import { ranks, relationOf } from "./statistics.ts";
import type { Relation } from "./statistics.ts";

/** As many axes as are drawn, that of the metric among them. */
export const MOST_AXES = 12;

export interface Ranked {
  column: Column;
  relation: Relation;
  /** Names of others that go with it: runs that are equal in one are so in the others, and in the same order. */
  twins: readonly string[];
}

/**
 * Columns by how they go together with a metric, the strongest first; those that name runs come last of the params, attributes after
 * all params since nobody sets them, and what is the same in all not at all.
 */
export function rankedColumns(columns: readonly Column[], metric: Column): readonly Ranked[] {
  const twins = new Map<string, string[]>();
  const ranked: Ranked[] = [];
  // Of params that go together the shortest name says it all.
  for (const column of [...columns].sort((one, other) => one.name.length - other.name.length || (one.name < other.name ? -1 : 1))) {
    if (column.id === metric.id || !differs(column)) continue;
    const key = pattern(column);
    const known = twins.get(key);
    if (known) known.push(column.name);
    else {
      const own: string[] = [];
      twins.set(key, own);
      ranked.push({ column, relation: relationOf(column, metric), twins: own });
    }
  }
  const strength = ({ column, relation: { value } }: Ranked): number => (value === null ? (isNaming(column) || column.kind === "text" ? -2 : -1) : Math.abs(value));
  return ranked.sort((one, other) => Number(isAttribute(one)) - Number(isAttribute(other)) || strength(other) - strength(one) || (one.column.name < other.column.name ? -1 : 1));
}

function isAttribute({ column }: Ranked): boolean {
  return column.id.startsWith("attributes.");
}

/** The axes that are drawn where nobody chose any: those in which runs have different values that do more than name runs, if there are such. */
export function tellingAxes(ranked: readonly Ranked[]): readonly Ranked[] {
  const some = ranked.filter(({ column }) => different(column).length > 1 && !isIdentity(column));
  return some.length > 0 ? some : ranked;
}

/** What two columns have in common that say the same of runs: of numbers their order, of texts which runs share one. */
function pattern({ kind, values, cells }: Column): string {
  const places = new Map<number, number>();
  const order = kind === "number" ? ranks(values.map((value) => (Number.isFinite(value) ? value : Infinity))) : values.map((value) => places.get(value) ?? (places.set(value, places.size), places.size - 1));
  return `${kind} ${order.map((place, run) => (Number.isFinite(values[run] ?? Number.NaN) ? place : String(cells[run]))).join()}`;
}

/** Whether runs have different values, where having none is one too. */
function differs({ cells }: Column): boolean {
  return cells.some((cell) => cell !== cells[0]);
}

/** `ρ −0.82`, `η 0.4`, or why there is none. */
export function relationText({ value, sign, why }: Relation): string {
  return value === null ? (why ?? "") : `${sign} ${signed(value)}`;
}

function signed(value: number): string {
  const digits = Math.abs(value).toFixed(2);
  return Number(digits) === 0 ? "0" : `${value < 0 ? "−" : ""}${digits.replace(/\.?0+$/, "")}`;
}
