// Ranges and texts that runs are chosen by, as an address has them and as a filter says them. Pure.

import { clauses, quoted } from "../../lib/filter.ts";
import type { Cell } from "../../api/runs.ts";
import type { Column } from "./column.ts";

/** What of an axis is chosen: numbers from one to another, where an end may be infinite, or texts. */
export type Brush = { from: number; to: number } | { texts: readonly string[] };
/** By the id of the column. */
export type Brushes = ReadonlyMap<string, Brush>;

/** As many values of a param as are excluded one by one, which a filter needs since it has no OR. */
const MOST_EXCLUDED = 20;
/** As many runs as a filter names. */
const MOST_NAMED = 50;
/** What the server tells of a text; what it cut cannot be demanded. */
const TOLD = 200;

/** Reads `[["params.lr",1e-5,null],["params.optimizer","adam"]]`, null for no end; what means nothing is left out. */
export function readBrushes(text: string | undefined): Brushes {
  const found = new Map<string, Brush>();
  for (const item of listIn(text)) {
    if (!Array.isArray(item)) continue;
    const [id, ...rest]: unknown[] = item;
    const [from, to] = [rest[0] ?? -Infinity, rest[1] ?? Infinity];
    if (typeof id !== "string") continue;
    if (rest.length === 2 && typeof from === "number" && typeof to === "number" && from <= to) found.set(id, { from, to });
    else if (rest.length > 0 && rest.every((one) => typeof one === "string")) found.set(id, { texts: rest });
  }
  return found;
}

/** The same as a text; undefined for none. */
export function writeBrushes(brushes: Brushes): string | undefined {
  if (brushes.size === 0) return undefined;
  return JSON.stringify([...brushes].map(([id, brush]) => ("texts" in brush ? [id, ...brush.texts] : [id, brush.from, brush.to])));
}

export function withBrush(brushes: Brushes, id: string, brush: Brush | null): Brushes {
  const next = new Map(brushes);
  if (brush === null) next.delete(id);
  else next.set(id, brush);
  return next;
}

/** What is chosen between two values of an axis; null where that is nothing. */
export function brushBetween(column: Column, one: number, other: number): Brush | null {
  const [from, to] = [Math.min(one, other), Math.max(one, other)];
  if (column.kind === "number") return { from: Number(from.toPrecision(4)), to: Number(to.toPrecision(4)) };
  const texts = column.texts.filter((_, place) => place >= from && place <= to);
  return texts.length === 0 ? null : { texts };
}

/** The places of the runs that are in all ranges; what has no value on a brushed axis is not. */
export function runsIn(columns: ReadonlyMap<string, Column>, brushes: Brushes, runs: number): readonly number[] {
  const tests = [...brushes].flatMap(([id, brush]) => {
    const column = columns.get(id);
    return column === undefined ? [] : [testOf(column, brush)];
  });
  return Array.from({ length: runs }, (_, place) => place).filter((place) => tests.every((test) => test(place)));
}

/**
 * The clauses of a filter that mean the ranges. Params are texts to a filter, so one that is wanted is demanded, and of several
 * those that are not are excluded. Where that would be too many or cannot be written, the runs are named; null if these are too many too.
 */
export function clausesOf(columns: ReadonlyMap<string, Column>, brushes: Brushes, runs: readonly string[]): readonly string[] | null {
  const found: string[] = [];
  for (const [id, brush] of brushes) {
    const column = columns.get(id);
    if (column === undefined) continue;
    if (id.startsWith("metrics.") && "from" in brush) {
      if (brush.from > -Infinity) found.push(`${id} >= ${brush.from}`);
      if (brush.to < Infinity) found.push(`${id} <= ${brush.to}`);
    } else {
      const written = textClauses(column, testOf(column, brush));
      if (written === null) return runs.length > MOST_NAMED ? null : [`attributes.run_id IN (${runs.map((run) => `'${run}'`).join(", ")})`];
      found.push(...written);
    }
  }
  return found;
}

function textClauses({ id, cells }: Column, test: (place: number) => boolean): readonly string[] | null {
  const inside = new Set(cells.filter((cell, place) => cell !== null && test(place)));
  const outside = new Set(cells.filter((cell) => cell !== null && !inside.has(cell)));
  const [sign, values] = inside.size === 1 ? ["=", inside] as const : ["!=", outside] as const;
  if (values.size > MOST_EXCLUDED) return null;
  const written = [...values].map((value) => clause(id, sign, value));
  // Nothing to exclude still leaves out the runs that have no value at all.
  if (written.length === 0) return id.startsWith("params.") ? [`${id} IS NOT NULL`] : [];
  return written.every((one) => one !== null) ? written : null;
}

function clause(id: string, sign: string, value: Cell): string | null {
  const text = String(value);
  const literal = text.length > TOLD ? null : quoted(text);
  const found = literal === null ? null : `${id} ${sign} ${literal}`;
  return found !== null && clauses(found).length === 1 ? found : null;
}

function testOf(column: Column, brush: Brush): (place: number) => boolean {
  if ("from" in brush) {
    return (place) => {
      const value = column.values[place] ?? Number.NaN;
      return column.kind === "number" && value >= brush.from && value <= brush.to;
    };
  }
  const wanted = new Set(brush.texts);
  return (place) => wanted.has(String(column.cells[place] ?? "").trim()) && column.cells[place] !== null;
}

function listIn(text: string | undefined): readonly unknown[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}
