// The table as CSV, and the runs of a selection: all of them, read page by page.

import { listRows } from "../../api/runs.ts";
import type { Cell, RunSearch } from "../../api/runs.ts";
import { csv } from "../../lib/csv.ts";
import { withClause } from "../../lib/filter.ts";
import { fieldsOf } from "./columns.ts";
import type { Column } from "./columns.ts";
import { asSearch } from "./selection.ts";
import type { Picked } from "./selection.ts";

/** What one request may ask for (docs/API.md, `POST rows`). */
const MOST_ROWS = 1_000;
const MOST_CELLS = 20_000;
/** Run ids of one filter: below its 64 KiB. */
const MOST_IDS = 1_000;

type Line = readonly Cell[];

/** Calls `take` with all rows of a search in their order, each run once; stops after `most` rows. */
async function eachPage(search: RunSearch, fields: readonly string[], most: number, take: (rows: readonly Line[]) => void): Promise<void> {
  const limit = Math.min(MOST_ROWS, Math.floor(MOST_CELLS / Math.max(1, fields.length)));
  for (let offset = 0; offset < most; offset += limit) {
    const { rows, total } = await listRows({ ...search, columns: fields, offset, limit: Math.min(limit, most - offset) });
    take(rows);
    if (rows.length === 0 || offset + limit >= total) return;
  }
}

/** The searches that a selection is. */
function searchesOf(picked: Picked, search: RunSearch): RunSearch[] {
  if (picked.all) return [asSearch(picked, search)];
  const runs = [...picked.runs];
  const searches: RunSearch[] = [];
  for (let at = 0; at < runs.length; at += MOST_IDS) {
    const ids = runs.slice(at, at + MOST_IDS).map((run) => `'${run}'`);
    searches.push({ ...search, filter: withClause("", `attributes.run_id IN (${ids.join(", ")})`) });
  }
  return searches;
}

/** The ids of a selection, `most` at most. */
export async function runIds(picked: Picked, search: RunSearch, most: number): Promise<readonly string[]> {
  if (!picked.all) return [...picked.runs].slice(0, most);
  const ids: string[] = [];
  await eachPage(asSearch(picked, search), [], most, (rows) => ids.push(...rows.map(([run]) => String(run))));
  return ids;
}

/** A selection with these columns as CSV, one line for each run in the order of the table. */
export async function tableCsv(picked: Picked, search: RunSearch, columns: readonly Column[], experimentNames: ReadonlyMap<string, string>): Promise<string> {
  const shown = columns.filter(({ kind, key }) => kind !== "curve" && key !== "id" && key !== "experiment" && key !== "steps");
  const fields = [...new Set(shown.flatMap(fieldsOf))];
  const places = new Map(fields.map((field, index) => [field, index + 3]));
  const lines: Line[] = [["run_id", "experiment", ...shown.map(({ id }) => (id === "duration" ? "duration_s" : id))]];
  for (const part of searchesOf(picked, search)) {
    await eachPage(part, fields, Infinity, (rows) => {
      for (const row of rows) {
        const at = (field: string): Cell => row[places.get(field) ?? -1] ?? null;
        const experiment = String(row[1]);
        lines.push([row[0] ?? null, experimentNames.get(experiment) ?? experiment, ...shown.map((column) => cellOf(column, at))]);
      }
    });
  }
  return csv(lines);
}

function cellOf(column: Column, at: (field: string) => Cell): Cell {
  if (column.kind !== "own") return at(column.id);
  const [first = "", second = ""] = fieldsOf(column);
  if (column.key === "started" || column.key === "ended") return isoTime(at(first));
  if (column.key !== "duration") return at(first);
  const [from, to] = [at(first), at(second)];
  return typeof from === "number" && typeof to === "number" ? (to - from) / 1_000 : null;
}

function isoTime(value: Cell): Cell {
  if (typeof value !== "number") return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date.toISOString();
}
