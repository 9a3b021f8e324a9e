// The rows of one table as far as they were asked for: pages of its levels, and columns of these, as they come to be seen.

import { signal } from "@preact/signals";
import { wasGivenUp } from "../../api/client.ts";
import type { Failure } from "../../api/client.ts";
import { listRows } from "../../api/runs.ts";
import type { Cell, Rows, RowsRequest, RunSearch } from "../../api/runs.ts";
import { asFailure } from "../../state/ask.ts";
import { BASE_FIELDS } from "./columns.ts";
import { TOP } from "./tree.ts";
import type { Level, Row, Slot } from "./tree.ts";

/** Rows of one request. */
export const PAGE = 50;

/** Cells that every row begins with: run, experiment, life. */
const FIXED = 3;

/** What is known of a page of a level. */
interface Page {
  /** The round in which it was asked for; what is older than the present one is asked again when it is seen. */
  round: number;
  fields: ReadonlySet<string>;
}

interface KnownLevel extends Level {
  total: number;
  rows: Map<number, Row>;
  places: Map<string, number>;
  pages: Map<number, Page>;
}

/** What a table counts beside the rows of a level. */
export interface Counts {
  /** Rows of the top level. */
  rows: number;
  runs: number;
  trainings: number;
}

/** How the server is asked, so that tests can answer. */
export type Ask = (request: RowsRequest, signal: AbortSignal) => Promise<Rows>;

/** A table of runs. It asks for nothing by itself: whoever shows it says what is seen. */
export class TableData {
  /** Rises with everything that is learnt. */
  readonly version = signal(0);
  /** Why the last request failed, if it did. */
  readonly failure = signal<Failure | undefined>(undefined);
  /** What the whole table comes to; undefined before the first answer. */
  counts: Counts | undefined;
  readonly levels: Map<string, Level>;
  private readonly known = new Map<string, KnownLevel>();
  private readonly waiting = new Map<string, Promise<void>>();
  /** What failed is not asked again by itself. */
  private readonly failed = new Set<string>();
  private readonly end = new AbortController();
  private round = 0;

  constructor(
    private readonly search: RunSearch,
    /** Whether every run is a row. */
    private readonly flat: boolean,
    private readonly ask: Ask = listRows,
  ) {
    this.levels = this.known;
  }

  /** Asks for what is missing or old of these rows; `fields` are those of the columns that are seen. */
  need(slots: readonly Slot[], fields: readonly string[]): Promise<void> {
    const pages = new Map<string, readonly [level: string, page: number]>();
    for (const { level, place } of slots) {
      const page = Math.floor(place / PAGE);
      pages.set(`${level} ${page}`, [level, page]);
    }
    // Where nothing is seen, it is the first page that tells when there is something.
    if (slots.length === 0) pages.set(`${TOP} 0`, [TOP, 0]);
    return Promise.all([...pages.values()].map(([level, page]) => this.needPage(level, page, fields))).then(() => undefined);
  }

  /** What is there may be old: it is asked for again as it is seen. */
  refresh(): void {
    this.round += 1;
    this.failed.clear();
    this.version.value += 1;
  }

  /** Ends all requests. */
  close(): void {
    this.end.abort();
  }

  private async needPage(name: string, page: number, fields: readonly string[]): Promise<void> {
    const had = this.known.get(name)?.pages.get(page);
    const isNew = had === undefined || had.round < this.round;
    // The very first answer has only what is quick.
    const wanted = this.counts === undefined ? [...BASE_FIELDS] : [...new Set([...BASE_FIELDS, ...fields])];
    const missing = isNew ? wanted : wanted.filter((field) => !had.fields.has(field));
    if (missing.length === 0) return;
    const key = `${name} ${page} ${this.round} ${missing.join()}`;
    if (this.failed.has(key)) return;
    const asked = this.waiting.get(key) ?? this.load(name, page, missing, isNew, key);
    this.waiting.set(key, asked);
    await asked;
  }

  private async load(name: string, page: number, fields: readonly string[], isNew: boolean, key: string): Promise<void> {
    const round = this.round;
    const [kind, run] = name.split(":");
    const request: RowsRequest = {
      ...this.search,
      columns: fields,
      offset: page * PAGE,
      limit: PAGE,
      ...(!this.flat && { tree: true }),
      ...(kind && run && { [kind]: run }),
      ...(isNew && { progress: true, live: true }),
    };
    try {
      const rows = await this.ask(request, this.end.signal);
      if (this.end.signal.aborted) return;
      if (isNew) this.takePage(name, page, rows, fields, round);
      else this.takeFields(name, page, rows, fields);
      this.failure.value = undefined;
    } catch (cause) {
      if (wasGivenUp(cause) || this.end.signal.aborted) return;
      this.failed.add(key);
      this.failure.value = asFailure(cause);
    } finally {
      this.waiting.delete(key);
      if (!this.end.signal.aborted) this.version.value += 1;
    }
  }

  private takePage(name: string, page: number, found: Rows, fields: readonly string[], round: number): void {
    const level = this.level(name);
    level.total = found.total;
    if (name === TOP) this.counts = { rows: found.total, runs: found.runs ?? found.total, trainings: found.trainings ?? found.total };
    for (const place of [...level.rows.keys()]) if (place >= found.total) this.forget(level, place);
    found.rows.forEach((cells, index) => {
      const place = page * PAGE + index;
      this.forget(level, place);
      const row = asRow(cells, fields, found, index);
      level.rows.set(place, row);
      level.places.set(row.key, place);
    });
    level.pages.set(page, { round, fields: new Set(fields) });
  }

  /** Adds columns to rows that are there. A row that another one has taken the place of in between stays without. */
  private takeFields(name: string, page: number, found: Rows, fields: readonly string[]): void {
    const level = this.level(name);
    found.rows.forEach((cells, index) => {
      const more = asRow(cells, fields, found, index);
      const place = level.places.get(more.key);
      const row = place === undefined ? undefined : level.rows.get(place);
      if (place !== undefined && row) level.rows.set(place, { ...row, cells: new Map([...row.cells, ...more.cells]) });
    });
    const had = level.pages.get(page);
    if (had) level.pages.set(page, { ...had, fields: new Set([...had.fields, ...fields]) });
  }

  private forget(level: KnownLevel, place: number): void {
    const row = level.rows.get(place);
    if (row === undefined) return;
    level.rows.delete(place);
    if (level.places.get(row.key) === place) level.places.delete(row.key);
  }

  private level(name: string): KnownLevel {
    let level = this.known.get(name);
    if (level === undefined) this.known.set(name, (level = { total: 0, rows: new Map(), places: new Map(), pages: new Map() }));
    return level;
  }
}

function asRow(cells: readonly Cell[], fields: readonly string[], found: Rows, index: number): Row {
  const run = String(cells[0]);
  const tree = found.tree?.[index] ?? null;
  return {
    key: tree?.kind === "run" ? `${run}~` : run,
    run,
    experiment: String(cells[1]),
    deleted: cells[2] === "deleted",
    cells: new Map(fields.map((field, at) => [field, cells[FIXED + at] ?? null])),
    tree,
    progress: found.progress?.[index] ?? null,
    live: found.live?.[index] ?? null,
  };
}
