// What all runs have of one param, metric or attribute: as numbers, or as places of texts in a list. Pure.

import type { Cell } from "../../api/runs.ts";

/** `category` is text with few values, `text` any other text. */
export type ColumnKind = "number" | "category" | "text";

export interface Column {
  /** The field as a filter has it: `params.lr`. */
  id: string;
  /** What people call it. */
  name: string;
  kind: ColumnKind;
  /** As the server told them, by run; null where a run has none. */
  cells: readonly Cell[];
  /** By run: the number, or the place of the text in `texts`; NaN where there is neither. */
  values: readonly number[];
  /** The different texts in order; none of numbers. */
  texts: readonly string[];
  /** Runs without a value. */
  missing: number;
  /** Runs whose value is no finite number, where the others are numbers. */
  odd: number;
}

/** As many texts as are told apart as groups. */
export const MOST_GROUPS = 12;

/** What stands for no number where the other values are numbers; Python writes None. */
const ODD = /^([+-]?(nan|inf(inity)?)|none|null)$/i;

const IN_ORDER = new Intl.Collator("en", { numeric: true });

/** Reads what the runs have of a field. A param is a number if all its values read as numbers, as far as there are any. */
export function columnOf(id: string, cells: readonly Cell[]): Column {
  const texts = cells.map((cell) => (cell === null ? null : String(cell).trim()));
  const present = texts.filter((text) => text !== null);
  const missing = cells.length - present.length;
  const name = nameOf(id);
  const isMetric = id.startsWith("metrics.");
  if (isMetric || (present.some(isNumber) && present.every((text) => isNumber(text) || ODD.test(text)))) {
    const values = texts.map((text) => (text !== null && isNumber(text) ? Number(text) : Number.NaN));
    return { id, name, kind: "number", cells, values, texts: [], missing, odd: present.filter((text) => !isNumber(text)).length };
  }
  const different = [...new Set(present)].sort(IN_ORDER.compare);
  const places = new Map(different.map((text, place) => [text, place]));
  const values = texts.map((text) => (text === null ? Number.NaN : (places.get(text) ?? Number.NaN)));
  return { id, name, kind: different.length <= MOST_GROUPS ? "category" : "text", cells, values, texts: different, missing, odd: 0 };
}

/** The column for some of the runs, by their places. */
export function columnFor(column: Column, places: readonly number[]): Column {
  return { ...columnOf(column.id, places.map((place) => column.cells[place] ?? null)), name: column.name };
}

/** The columns, where those that would be called the same have longer names: the whole key, and if that is not enough the field. */
export function distinctColumns(columns: readonly Column[]): readonly Column[] {
  return [({ id }: Column) => keyOf(id), ({ id }: Column) => id].reduce((named, longer) => {
    const count = new Map<string, number>();
    for (const { name } of named) count.set(name, (count.get(name) ?? 0) + 1);
    return named.map((column) => ((count.get(column.name) ?? 0) > 1 ? { ...column, name: longer(column) } : column));
  }, columns);
}

/** The different finite values, from the least on. */
export function different(column: Column): readonly number[] {
  return [...new Set(column.values.filter(Number.isFinite))].sort((one, other) => one - other);
}

/** Whether (almost) every run has a text of its own: a name, a path, an id. */
export function isNaming({ kind, texts, cells, missing }: Column): boolean {
  return kind !== "number" && texts.length > 2 && texts.length * 2 > cells.length - missing;
}

/** From so many different texts on, where (almost) every run has its own, these name runs. */
const NAMES = 6;

/** Whether the texts only say which run it is, or which other: ids, paths, names. */
export function isIdentity(column: Column): boolean {
  const { kind, name, texts } = column;
  return kind !== "number" && ((texts.length >= NAMES && isNaming(column)) || /(^|[._-])(id|uuid)$/i.test(name) || texts.every((text) => /^[\da-f-]{16,}$/i.test(text)));
}

/** `params."config.lr"` without what the filter needs. */
function keyOf(id: string): string {
  return id.slice(id.indexOf(".") + 1).replace(/^([`"])(.*)\1$/s, "$2");
}

/** What people call it. */
function nameOf(id: string): string {
  const key = keyOf(id);
  if (id.startsWith("attributes.")) return key === "user_id" ? "user" : key;
  return id.startsWith("params.") ? key.replace(/^config\.(?=.)/, "") : key;
}

function isNumber(text: string): boolean {
  return text !== "" && Number.isFinite(Number(text));
}
