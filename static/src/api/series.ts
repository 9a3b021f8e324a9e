import { mlflow, own, withQuery } from "./client.ts";

/** Which metrics of which runs, as curves on one axis (docs/API.md, `POST series`). */
export interface SeriesRequest {
  run_ids: readonly string[];
  metrics: readonly string[];
  /** `step`, `wall`, `relative` or `metrics.NAME`. */
  x?: string;
  range?: readonly [from: number, to: number];
  buckets?: number;
  smoothing?: number;
  joined?: boolean;
  superseded?: boolean;
  digits?: number;
  /** Which figures each bucket has; all where it is absent. */
  columns?: readonly ("mean" | "min" | "max" | "last" | "count")[];
}

/** A number; texts stand for those that JSON lacks. */
export type Figure = number | string;

/** Points that are no finite number. `at` are places in `x`. */
export interface Odd {
  count: number;
  first_step: number;
  at: readonly number[] | null;
}

/** A stretch of a series in which steps rise. `at` are the places in `x` of its buckets, null for all. */
export interface Segment {
  first_step: number;
  last_step: number;
  at: readonly number[] | null;
  mean: readonly (Figure | null)[];
  min: readonly (Figure | null)[];
  max: readonly (Figure | null)[];
  last?: readonly (Figure | null)[];
  count?: readonly number[];
  smooth?: readonly (Figure | null)[];
}

export interface Series {
  run_id: string;
  metric: string;
  total: number;
  points: number;
  origin?: number;
  min_step?: number;
  max_step?: number;
  min?: Figure | null;
  max?: Figure | null;
  first_point?: { step: number; timestamp: number; value: Figure };
  last_point?: { step: number; timestamp: number; value: Figure };
  nan?: Odd;
  infinity?: Odd;
  negative_infinity?: Odd;
  without_x?: number;
  superseded?: boolean;
  superseded_points?: number;
  /** No part of an answer: it is drawn because a fork left it at this step. */
  until?: number;
  /** No part of an answer: how wide its buckets are, where they are others than those of the answer. */
  width?: number;
  disordered?: boolean;
  /** The runs that were joined, in their order. */
  attempts?: readonly { run_id: string; first_step: number; points: number }[];
  segments: readonly Segment[];
}

export interface SeriesAnswer {
  x: readonly number[];
  /** Whether every point is there as it was logged. */
  raw: boolean;
  grid: { start: number; width: number } | null;
  series: readonly Series[];
}

export function readSeries(request: SeriesRequest, signal?: AbortSignal): Promise<SeriesAnswer> {
  return own("POST", "series", request, signal);
}

/** A metric in at most 32 buckets from its least step to its greatest. */
export interface InlineCurve {
  run_id: string;
  total: number;
  nan: number;
  first_x: number | null;
  last_x: number | null;
  last: Figure | null;
  mean: readonly (Figure | null)[];
}

export async function inlineCurves(
  runs: readonly string[],
  metric: string,
  joined = false,
  signal?: AbortSignal,
): Promise<readonly InlineCurve[]> {
  return (await own<{ curves: readonly InlineCurve[] }>("POST", "inline-curves", { run_ids: runs, metric, joined }, signal)).curves;
}

/** Where all points of some series are to be had as CSV. */
export function seriesCsv(runs: readonly string[], metrics: readonly string[]): string {
  return withQuery("api/windvane/v1/export/series", { run_ids: runs, metrics });
}

/** A point as it was logged. */
export interface LoggedPoint {
  run_id: string;
  step: number;
  /** Epoch milliseconds. */
  timestamp: number;
  value: Figure;
}

/** The points of a metric between two steps; of very many a sample. */
export async function pointsNear(runs: readonly string[], metric: string, from: number, to: number, signal?: AbortSignal): Promise<readonly LoggedPoint[]> {
  const query = { run_ids: runs, metric_key: metric, start_step: from, end_step: to, max_results: 2_500 };
  const path = withQuery("metrics/get-history-bulk-interval", query);
  return (await mlflow<{ metrics?: readonly LoggedPoint[] }>("GET", path, undefined, signal)).metrics ?? [];
}
