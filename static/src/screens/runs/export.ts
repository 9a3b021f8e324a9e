// The table as CSV, and the ids of a selection, read page by page.

import { listRows, rowsCsv, rowsCsvAddress } from "../../api/runs.ts";
import type { Cell, RunSearch } from "../../api/runs.ts";
import { saveBlob, saveFrom } from "../../lib/download.ts";
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
/** Longer addresses are refused by some proxies, characters. */
const LONGEST_ADDRESS = 7_000;

const FILE = "runs.csv";

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

/** Has the browser save a selection with these columns as CSV, one line for each run in the order of the table. */
export async function saveTable(picked: Picked, search: RunSearch, columns: readonly Column[]): Promise<void> {
  const fields = [...new Set(columns.flatMap(fieldsOf))];
  const parts = searchesOf(picked, search).map((part) => ({ ...part, columns: fields }));
  const [only] = parts;
  const address = only && parts.length === 1 ? rowsCsvAddress(only) : null;
  if (address !== null && address.length <= LONGEST_ADDRESS) {
    saveFrom(address, FILE);
    return;
  }
  const texts: string[] = [];
  for (const part of parts) {
    const text = await rowsCsv(part);
    // One head is enough.
    texts.push(texts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
  }
  saveBlob(FILE, new Blob(texts, { type: "text/csv" }));
}
