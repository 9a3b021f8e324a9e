// The columns of a table of runs: what they are called in an address, what the server is asked for, how they sort. Pure.

import { betterByName } from "../../lib/better.ts";
import { field } from "../../lib/filter.ts";
import { splitList } from "../../lib/list.ts";
import { NOTE } from "../../api/experiments.ts";

/** A column. `key` is the name of a metric, param or tag, or which of our own columns. */
export interface Column {
  /** As it stands in an address. */
  id: string;
  kind: "own" | "metric" | "param" | "tag" | "curve";
  key: string;
}

/** The columns that every table may have; the first stands always, and first. */
export const OWN_COLUMNS = ["name", "status", "started", "ended", "duration", "user", "experiment", "steps", "rate", "seen", "loss", "ends", "id", "note"] as const;
export type OwnColumn = (typeof OWN_COLUMNS)[number];

const OWN: Readonly<Record<OwnColumn, { title: string; fields: readonly string[]; sort: string | null; width: number }>> = {
  name: { title: "Name", fields: ["attributes.run_name"], sort: "attributes.run_name", width: 260 },
  status: { title: "Status", fields: ["attributes.status"], sort: "attributes.status", width: 288 },
  started: { title: "Started", fields: ["attributes.start_time"], sort: "attributes.start_time", width: 150 },
  ended: { title: "Ended", fields: ["attributes.end_time"], sort: "attributes.end_time", width: 150 },
  duration: { title: "Duration", fields: ["attributes.start_time", "attributes.end_time"], sort: null, width: 100 },
  user: { title: "User", fields: ["attributes.user_id"], sort: "attributes.user_id", width: 96 },
  experiment: { title: "Experiment", fields: [], sort: null, width: 160 },
  steps: { title: "Steps", fields: [], sort: null, width: 140 },
  rate: { title: "Steps/s", fields: [], sort: null, width: 84 },
  seen: { title: "Last point", fields: [], sort: null, width: 110 },
  loss: { title: "Loss", fields: [], sort: null, width: 190 },
  ends: { title: "Ends about", fields: [], sort: null, width: 148 },
  id: { title: "Id", fields: [], sort: "attributes.run_id", width: 112 },
  note: { title: "Note", fields: [`tags.${NOTE}`], sort: `tags.${NOTE}`, width: 220 },
};

/** What is asked of every row whatever its columns: few, so that the first answer is quick. */
export const BASE_FIELDS = ["attributes.run_name", "attributes.status", "attributes.start_time", "attributes.end_time", "attributes.user_id"] as const;

const ENTITIES = { metric: "metrics", param: "params", tag: "tags", curve: "metrics" } as const;
const KINDS = { metrics: "metric", params: "param", tags: "tag", curve: "curve" } as const;
/** So many characters the end of a name has at least that stands for all of it. */
const TELLING = 6;
const WIDTHS = { metric: 140, param: 132, tag: 124, curve: 132 } as const;
/** The narrowest and the widest that a column can be made, px. */
export const NARROWEST = 56;
export const WIDEST = 900;

export function own(key: OwnColumn): Column {
  return { id: key, kind: "own", key };
}

/** The column of a metric, param or tag, or of the curve of a metric; null where its name cannot be written down. */
export function keyed(kind: "metric" | "param" | "tag" | "curve", key: string): Column | null {
  const name = field(ENTITIES[kind], key);
  if (name === null) return null;
  return { id: kind === "curve" ? name.replace("metrics", "curve") : name, kind, key };
}

/** The column that stands in an address as `id`. */
export function readColumn(id: string): Column | null {
  const known = OWN_COLUMNS.find((name) => name === id);
  if (known !== undefined) return own(known);
  const [, entity = "", , inQuotes, bare] = /^(metrics|params|tags|curve)\.(?:([`"])([^]*)\2|([^]+))$/.exec(id) ?? [];
  const kind = KINDS[entity as keyof typeof KINDS];
  const key = inQuotes ?? bare ?? "";
  return kind === undefined || key === "" ? null : keyed(kind, key);
}

/** The columns that an address names, without those that mean nothing, and each once; the name first. */
export function readColumns(text: string): Column[] {
  const found = new Map([["name", own("name")]]);
  for (const item of splitList(text)) {
    const column = readColumn(item);
    if (column !== null) found.set(column.id, column);
  }
  return [...found.values()];
}

/** How many metrics a card has. */
const CARD_METRICS = 2;

/** What a run shows where there is no room for columns. */
export function cardColumns(columns: readonly Column[]): Column[] {
  const has = (key: OwnColumn): boolean => columns.some(({ id }) => id === key);
  const values = has("loss") ? [own("loss"), own("steps")] : columns.filter(({ kind }) => kind === "metric").slice(0, CARD_METRICS);
  return [own("name"), own("status"), own(has("seen") ? "seen" : "started"), ...values];
}

export function writeColumns(columns: readonly Column[]): string {
  return columns.map(({ id }) => id).join(",");
}

/** The fields of `POST rows` that a column needs. */
export function fieldsOf({ kind, key, id }: Column): readonly string[] {
  if (kind === "own") return OWN[key as OwnColumn].fields;
  return kind === "curve" ? [] : [id];
}

/** What the server sorts by for this column; null where it cannot. */
export function sortField({ kind, key, id }: Column): string | null {
  if (kind === "own") return OWN[key as OwnColumn].sort;
  return kind === "curve" ? field("metrics", key) : id;
}

/** What stands above it. */
export function titleOf({ kind, key }: Column): string {
  if (kind === "own") return OWN[key as OwnColumn].title;
  if (kind === "curve") return `${key} curve`;
  return kind === "param" ? key.replace(/^config\./, "") : key;
}

/**
 * What stands above columns side by side: of params and tags as few of the last words of their names as tell them apart and are
 * no mere syllable, since these are paths, and their ends say what they are.
 */
export function titlesOf(columns: readonly Column[]): string[] {
  const names = columns.map((column) => titleOf(column));
  return columns.map((column, place) => {
    if (column.kind !== "param" && column.kind !== "tag") return names[place] ?? "";
    const words = column.key.split(".");
    const ends = words.map((_, from) => words.slice(from).join(".")).filter((end, from) => from === 0 || end.length >= TELLING);
    const others = names.filter((_, other) => other !== place);
    return ends.reverse().find((end) => !others.some((name) => name === end || name.endsWith(`.${end}`))) ?? column.key;
  });
}

/** What it is, for titles and for those who hear the page. */
export function nameOf(column: Column): string {
  const words = { own: "", metric: "metric ", param: "param ", tag: "tag ", curve: "curve of " };
  return words[column.kind] + (column.kind === "own" ? titleOf(column) : column.key);
}

export function widthOf({ kind, key }: Column): number {
  return kind === "own" ? OWN[key as OwnColumn].width : WIDTHS[kind];
}

/** Whether its values stand at the right, so that digits are below digits. */
export function isRight({ kind, key }: Column): boolean {
  return kind === "metric" || (kind === "own" && (key === "duration" || key === "steps" || key === "rate"));
}

/** A key of a sort, most important first. */
export interface SortKey {
  id: string;
  descending: boolean;
}

export function readSort(text: string | undefined): SortKey[] {
  return splitList(text ?? "").map((item) => (item.startsWith("-") ? { id: item.slice(1), descending: true } : { id: item, descending: false }));
}

export function writeSort(keys: readonly SortKey[]): string | undefined {
  return keys.length === 0 ? undefined : keys.map(({ id, descending }) => (descending ? `-${id}` : id)).join(",");
}

/** `order_by` of the server. What sorts by nothing known is left out, and so is a key that was there before. */
export function orderBy(keys: readonly SortKey[]): string[] {
  const found = new Map<string, string>();
  for (const { id, descending } of keys) {
    const column = readColumn(id);
    const by = column && sortField(column);
    if (by && !found.has(by)) found.set(by, `${by} ${descending ? "DESC" : "ASC"}`);
  }
  return [...found.values()];
}

/**
 * The sort after a click on a head: numbers and times begin with the greatest, what is better the lower it is and texts with the
 * first; the third click takes the sort away. With `more` the column becomes, or stays, a further key.
 */
export function nextSort(keys: readonly SortKey[], column: Column, more: boolean): SortKey[] {
  const isMetric = column.kind === "metric" || column.kind === "curve";
  const greatestFirst = (isMetric && betterByName(column.key) !== "min") || column.key === "started" || column.key === "ended";
  const before = keys.find(({ id }) => id === column.id);
  const next =
    before === undefined
      ? { id: column.id, descending: greatestFirst }
      : before.descending === greatestFirst
        ? { id: column.id, descending: !greatestFirst }
        : null;
  if (!more) return next === null ? [] : [next];
  if (before === undefined) return next === null ? [...keys] : [...keys, next];
  return keys.flatMap((key) => (key.id !== column.id ? [key] : next === null ? [] : [next]));
}

/** The columns with one of them `by` places further right; the name stays first. */
export function moved(columns: readonly Column[], id: string, by: number): Column[] {
  const from = columns.findIndex((column) => column.id === id);
  const to = Math.max(1, Math.min(columns.length - 1, from + by));
  const column = columns[from];
  if (column === undefined || from < 1) return [...columns];
  const rest = columns.filter((other) => other !== column);
  return [...rest.slice(0, to), column, ...rest.slice(to)];
}
