// By what runs are grouped, and what that means as a filter and as an order. Pure.

import { quoted } from "../../../lib/filter.ts";
import { readColumn, titleOf } from "../columns.ts";
import type { Column, SortKey } from "../columns.ts";

/** What runs are grouped by. */
export interface GroupBy {
  /** As the server takes it. */
  by: string;
  /** As a field of a filter. */
  field: string;
  title: string;
}

const ATTRIBUTES: Readonly<Record<string, GroupBy>> = {
  status: { by: "attribute.status", field: "attributes.status", title: "Status" },
  user: { by: "attribute.user_id", field: "attributes.user_id", title: "User" },
};

/** What stands in an address as `group`; null for what means nothing. */
export function readGroupBy(text: string | undefined): GroupBy | null {
  if (text === undefined) return null;
  const known = ATTRIBUTES[text];
  if (known !== undefined && Object.hasOwn(ATTRIBUTES, text)) return known;
  const column = readColumn(text);
  if (column === null || (column.kind !== "param" && column.kind !== "tag")) return null;
  return { by: column.id, field: column.id, title: titleOf(column) };
}

/** Longer values are told without their ends. */
const TOLD = 10_000;

/** The clause that the runs of a group fulfil; null where no filter can say it. */
export function clauseOf({ field }: GroupBy, value: string | null): string | null {
  // Of attributes the filter language knows no absence; without a user its name is empty.
  if (value === null) return field.startsWith("attributes.") ? `${field} = ''` : `${field} IS NULL`;
  if (value.length > TOLD) return null;
  const text = quoted(value);
  return text === null ? null : `${field} = ${text}`;
}

/** What is sorted by: the number of runs, what they are grouped by, or a metric. */
export interface GroupSort {
  id: string;
  descending: boolean;
}

/** The first key of the table's sort that groups have too; else the largest groups come first. */
export function groupSort(keys: readonly SortKey[], metrics: readonly Column[]): GroupSort {
  return keys.find(({ id }) => id === "runs" || id === "group" || metrics.some((column) => column.id === id)) ?? { id: "runs", descending: true };
}

/** The order as the server takes it. */
export function groupOrder({ id, descending }: GroupSort): string {
  return `${id === "runs" ? "count" : id === "group" ? "value" : id} ${descending ? "DESC" : "ASC"}`;
}

/** A short name of a group that an address can hold. */
export function groupKey(value: string | null): string {
  if (value === null) return "none";
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(value)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(36);
}
