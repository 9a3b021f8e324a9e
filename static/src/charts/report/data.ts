// What a report keeps of curves: the shape of the JSON in its file. Pure.

import type { Figure, Segment, Series, SeriesAnswer } from "../../api/series.ts";
import type { Fork } from "../../lib/forks.ts";
import type { ScaleWish } from "../range.ts";
import type { XKind } from "../ticks.ts";

/** All that the script of a report draws. Tables are in its page already. */
export interface ReportData {
  /** All runs in the order of the comparison, with the names that they have in it. */
  runs: readonly { id: string; name: string }[];
  hidden: readonly string[];
  /** Whether each run is drawn, however many there are. */
  each: boolean;
  utc: boolean;
  /** The runs that are drawn from their origin on. */
  forks: readonly (readonly [run: string, fork: ReportFork])[];
  cards: readonly ReportCard[];
}

/** Where a fork left its origin, and what was trained before. */
export type ReportFork = Pick<Fork, "step" | "before">;

export interface ReportCard {
  id: string;
  metrics: readonly string[];
  /** What x is, and what it is called. */
  axis: XKind;
  xName: string;
  overTime: boolean;
  wish: ScaleWish;
  answer: SlimAnswer;
}

/** An answer in which least and greatest are left out where they are the mean. */
export type SlimAnswer = Omit<SeriesAnswer, "series"> & { series: readonly (Omit<Series, "segments"> & { segments: readonly SlimSegment[] })[] };
type SlimSegment = Omit<Segment, "min" | "max"> & Partial<Pick<Segment, "min" | "max">>;

/** Bytes that the curves of a file may have: with all else it stays below a megabyte. */
const CURVE_BYTES = 800_000;
/** What a figure takes with its comma, bytes. */
const FIGURE_BYTES = 8.5;
/** Fewer values than that show no curve; more than that no window shows. */
const LEAST_BUCKETS = 100;
const MOST_BUCKETS = 1_000;
/** As many cards as one looks through. */
const MOST_CARDS = 60;

/** Of how many cards a file takes the curves, and of how many values each may be. `figures` are those of a value: mean, ends. */
export function planOf(runs: number, cards: number, figures: number): { cards: number; buckets: number } {
  const room = CURVE_BYTES / (FIGURE_BYTES * figures * Math.max(1, runs));
  const taken = Math.max(1, Math.min(cards, MOST_CARDS, Math.floor(room / LEAST_BUCKETS)));
  return { cards: taken, buckets: Math.max(LEAST_BUCKETS, Math.min(MOST_BUCKETS, Math.floor(room / taken / 10) * 10)) };
}

/** An answer as it is kept, with five digits of each value. */
export function slim(answer: SeriesAnswer): SlimAnswer {
  return {
    x: answer.x.map((x) => (Number.isInteger(x) ? x : Number(Math.abs(x) >= 1_000 ? x.toFixed(1) : x.toPrecision(6)))),
    raw: answer.raw,
    grid: answer.grid,
    series: answer.series.map((series) => ({ ...series, segments: series.segments.map(slimSegment) })),
  };
}

function slimSegment({ first_step, last_step, at, mean, min, max, smooth }: Segment): SlimSegment {
  const isOne = mean.every((value, place) => value === min[place] && value === max[place]);
  return {
    first_step,
    last_step,
    at,
    mean: mean.map(short),
    ...(!isOne && { min: min.map(short), max: max.map(short) }),
    ...(smooth && { smooth: smooth.map(short) }),
  };
}

/** An answer as it was before {@link slim}, but for digits. */
export function unslim(answer: SlimAnswer): SeriesAnswer {
  return {
    ...answer,
    series: answer.series.map((series) => ({
      ...series,
      segments: series.segments.map((segment) => ({ ...segment, min: segment.min ?? segment.mean, max: segment.max ?? segment.mean })),
    })),
  };
}

function short(figure: Figure | null): Figure | null {
  return typeof figure === "number" ? Number(figure.toPrecision(5)) : figure;
}
