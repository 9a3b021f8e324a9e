// Tables of runs, what is in them, and what is done to them (docs/API.md, "Own API").

import { ask, mlflow, own, withQuery } from "./client.ts";

/** What a run has for a column; texts also stand for the numbers that JSON lacks. */
export type Cell = string | number | null;

/** The life of runs that is looked at. */
export type View = "ACTIVE_ONLY" | "DELETED_ONLY" | "ALL";

/** Which runs, in which order. */
export interface RunSearch {
  experiment_ids: readonly string[];
  filter?: string;
  order_by?: readonly string[];
  run_view_type?: View;
}

/** A part of a table. Without `tree` every run is a row. */
export interface RowsRequest extends RunSearch {
  columns: readonly string[];
  offset?: number;
  limit: number;
  tree?: boolean;
  attempts_of?: string;
  children_of?: string;
  progress?: boolean;
  live?: boolean;
}

/** What is told of a row of a tree beside its cells. */
export interface TreeRow {
  kind: "training" | "run";
  role?: "attempt" | "copy" | "prepared";
  attempt?: number;
  attempts: number;
  copies: number;
  prepared: number;
  children: number;
  matching: number;
  runs: number;
  matches: boolean;
  parent?: { run_id: string; state: "deleted" | "elsewhere" | "missing" | "cycle" };
  /** What it was forked from, with the step where the data show it; without a name that run is not here. */
  fork?: { run_id: string; name?: string; experiment_id?: string; step?: number | null };
  steps?: number;
  /** Milliseconds. */
  training_time?: number;
}

/** How far a run is. Times in ms. */
export interface Progress {
  last_step: number;
  last_point_time: number;
  usual_gap: number | null;
  max_steps: number | null;
}

/** How a run fares that is at work. */
export interface Live {
  /** Over the last ten minutes in which it logged. */
  steps_per_second: number | null;
  /** The metric that one looks at first. Texts stand for the numbers that JSON lacks. */
  loss: {
    metric: string;
    last: number | string;
    last_step: number;
    best: number | null;
    best_step: number | null;
    /** The first step of the NaN that it ends in. */
    nan_since: number | null;
    count: number;
  } | null;
}

/** The answer to {@link RowsRequest}. Every row begins with `run_id`, `experiment_id` and `lifecycle_stage`. */
export interface Rows {
  total: number;
  offset: number;
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
  tree?: readonly TreeRow[];
  /** At any depth: runs that match, and trainings. */
  runs?: number;
  trainings?: number;
  progress?: readonly (Progress | null)[];
  live?: readonly (Live | null)[];
}

export function listRows(request: RowsRequest, signal?: AbortSignal): Promise<Rows> {
  return own("POST", "rows", request, signal);
}

/** All rows of a search, with whole values, as CSV: where they are to be had. */
export function rowsCsvAddress({ experiment_ids, filter, order_by, run_view_type, columns }: RunSearch & { columns: readonly string[] }): string {
  return withQuery(ROWS_CSV, { experiment_ids, filter: filter === "" ? undefined : filter, order_by, run_view_type, columns });
}

/** The same as a text, of a search that no address can hold. */
export async function rowsCsv(request: RunSearch & { columns: readonly string[] }): Promise<string> {
  const body = JSON.stringify(request);
  return (await ask(ROWS_CSV, { method: "POST", headers: { "Content-Type": "application/json" }, body })).text();
}

const ROWS_CSV = "api/windvane/v1/export/rows";

export type KeyKind = "metric" | "param" | "tag";

/** A name in use. Metrics have a range, params and tags their most frequent values. */
export interface Key {
  key: string;
  runs: number;
  type: "number" | "text";
  differs: boolean;
  min?: number | string;
  max?: number | string;
  values?: readonly { value: string; runs: number }[];
}

export async function listKeys(
  kind: KeyKind,
  experiments: readonly string[],
  prefix = "",
  limit = 100,
  signal?: AbortSignal,
): Promise<readonly Key[]> {
  const query = withQuery("keys", { kind, experiment_ids: experiments, prefix: prefix === "" ? undefined : prefix, limit });
  return (await own<{ keys: readonly Key[] }>("GET", query, undefined, signal)).keys;
}

/** A place in a filter, in UTF-16 units, and what may stand there. */
export interface Completion {
  from: number;
  to: number;
  /** Null where the text before the place is wrong already, or nothing is known. */
  expects: "field" | "key" | "comparator" | "value" | "and" | null;
  suggestions: readonly { insert: string; label: string; about?: string }[];
  error: { from: number; to: number; message: string } | null;
}

export function complete(experiments: readonly string[], filter: string, at: number, signal?: AbortSignal): Promise<Completion> {
  return own("POST", "complete", { experiment_ids: experiments, filter, at }, signal);
}

/** A run as MLflow tells it. Times are epoch milliseconds. */
export interface Run {
  info: {
    run_id: string;
    run_name?: string;
    experiment_id: string;
    user_id?: string;
    status: string;
    start_time?: number;
    end_time?: number;
    artifact_uri?: string;
    lifecycle_stage: "active" | "deleted";
  };
  data: {
    metrics?: readonly { key: string; value: number | string; timestamp: number; step?: number }[];
    params?: readonly { key: string; value: string }[];
    tags?: readonly { key: string; value: string }[];
  };
  inputs?: { dataset_inputs?: readonly { dataset: { name: string; digest: string; source_type?: string } }[] };
}

export async function getRun(run: string, signal?: AbortSignal): Promise<Run> {
  return (await mlflow<{ run: Run }>("GET", withQuery("runs/get", { run_id: run }), undefined, signal)).run;
}

export async function renameRun(run: string, name: string): Promise<void> {
  await mlflow("POST", "runs/update", { run_id: run, run_name: name });
}

/** What happens to the runs nested below, and to the other attempts of a training. */
export interface Reach {
  with_children?: boolean;
  with_attempts?: boolean;
}

/** The ids of named runs, or a search for them. */
export type Selection = { run_ids: readonly string[] } | RunSearch;

/** Moves runs to the trash; the ids of those that were not there before. */
export async function deleteRuns(selection: Selection, reach: Reach = {}): Promise<readonly string[]> {
  return (await own<{ run_ids: readonly string[] }>("POST", "runs/delete", { ...selection, ...reach })).run_ids;
}

export async function restoreRuns(selection: Selection, reach: Reach = {}): Promise<readonly string[]> {
  return (await own<{ run_ids: readonly string[] }>("POST", "runs/restore", { ...selection, ...reach })).run_ids;
}

/** Sets a tag, or removes it where `value` is null; the ids of the runs that this changed. */
export async function tagRuns(selection: Selection, key: string, value: string | null): Promise<readonly string[]> {
  return (await own<{ run_ids: readonly string[] }>("POST", "runs/tag", { ...selection, key, value })).run_ids;
}

export interface LineageNode {
  run_id: string;
  experiment_id: string;
  run_name: string;
  user_id: string;
  status: string;
  lifecycle_stage: string;
  start_time: number | null;
  end_time: number | null;
  training_id: string;
  role: "attempt" | "copy" | "prepared";
  attempt?: number;
  first_step?: number | null;
  last_step?: number | null;
  last_point_time?: number | null;
  training_time?: number | null;
}

/** All runs that hang together with one. */
export interface Lineage {
  run_id: string;
  training_id: string;
  nodes: readonly LineageNode[];
  edges: readonly {
    kind: "nest" | "resume" | "fork" | "copy";
    run_id: string;
    target: string;
    target_run_id?: string | null;
    step?: number | null;
  }[];
  trainings: readonly { training_id: string; attempts: number; steps?: number | null; training_time?: number | null }[];
  missing: readonly string[];
  truncated: boolean;
}

export function lineage(run: string, signal?: AbortSignal): Promise<Lineage> {
  return own("GET", `runs/${encodeURIComponent(run)}/lineage`, undefined, signal);
}

export type DiffKind = "attribute" | "param" | "tag";

/** What differs among runs; `values` are in the order of `run_ids`, null where a run has none; times are epoch milliseconds. */
export interface Diff {
  run_ids: readonly string[];
  totals: Readonly<Record<DiffKind, number>>;
  differing: Readonly<Record<DiffKind, number>>;
  rows: readonly { kind: DiffKind; key: string; values: readonly Cell[] }[];
  truncated: boolean;
}

export function diff(runs: readonly string[], all = false, kinds?: readonly DiffKind[], signal?: AbortSignal): Promise<Diff> {
  return own("POST", "diff", { run_ids: runs, all, ...(kinds && { kinds }) }, signal);
}

/** What a metric of a run comes to. Texts stand for the numbers that JSON lacks. */
export interface Summary {
  count: number;
  nan: number;
  last: number | string;
  last_step: number;
  last_time: number;
  min: number | null;
  min_step: number | null;
  max: number | null;
  max_step: number | null;
  first_step: number;
  at?: number | string | null;
  at_step?: number | null;
}

export interface Values {
  run_ids: readonly string[];
  truncated: boolean;
  rows: readonly { metric: string; cells: readonly (Summary | null)[] }[];
}

/** What metrics come to: all of them, or those named; with `step` also their value there. */
export function values(
  runs: readonly string[],
  options: { metrics?: readonly string[]; step?: number; joined?: boolean } = {},
  signal?: AbortSignal,
): Promise<Values> {
  return own("POST", "values", { run_ids: runs, ...options }, signal);
}

/** What a text finds. */
export interface Found {
  experiments: readonly { experiment_id: string; name: string }[];
  runs: readonly {
    run_id: string;
    run_name: string;
    experiment_id: string;
    experiment_name: string;
    status: string;
    start_time: number | null;
    user_id: string;
  }[];
}

export function find(text: string, limit = 8, signal?: AbortSignal): Promise<Found> {
  return own("GET", withQuery("find", { text, limit }), undefined, signal);
}
