// How far the vertical axis goes, and what lies beyond it. Pure.

import type { Height, Strand } from "./strands.ts";

/** The vertical axis of a card. */
export interface Scale {
  from: number;
  to: number;
  log: boolean;
  /** Whether some points were left outside because they are far from all others. */
  cut: boolean;
}

/** What was chosen for a vertical axis. */
export interface ScaleWish {
  log: boolean;
  /** Whether a few points may be left outside for the sake of all others. */
  cut: boolean;
  limits: readonly [from: number, to: number] | null;
}

/** The full range is cut where it is over so many times the range from the 1st to the 99th percentile. */
const FAR = 20;
/** As many values as tell percentiles well enough. */
const SAMPLE = 4_000;
/** Of fewer values none is far from the others: the percentiles would be two of them. */
const FEW = 20;
/** Room above and below the curves, of the height. */
const ROOM = 0.05;

/** The axis for these lines. Without any number it goes from 0 to 1. */
export function scaleOf(strands: readonly Strand[], wish: ScaleWish): Scale {
  const { limits } = wish;
  const full = extent(strands, -Infinity, Infinity);
  const positive = wish.log ? extent(strands, Number.MIN_VALUE, Infinity) : null;
  // A logarithm needs something above 0; without that the axis stays as it is.
  const log = positive !== null || (wish.log && limits !== null && limits[0] > 0);
  if (limits && (!log || limits[0] > 0)) return { from: limits[0], to: limits[1], log, cut: false };
  if (positive) return { ...padLog(positive), log, cut: false };
  if (full === null) return { from: 0, to: 1, log: false, cut: false };
  const usual = wish.cut ? percentiles(strands) : null;
  if (usual === null || full.to - full.from <= FAR * (usual.to - usual.from)) return { ...pad(full), log, cut: false };
  // Noise goes a little beyond its own percentiles; only what is far from them stays outside.
  const width = usual.to - usual.from;
  return { ...pad(extent(strands, usual.from - width, usual.to + width) ?? usual), log, cut: true };
}

/** Something at an edge of the drawing, at a place of x. */
export interface Mark {
  kind: "nan" | "infinity" | "negative_infinity" | "above" | "below" | "not_positive";
  place: number;
  run: string;
}

/** Whether a mark is about a value that is no number, or has no logarithm. */
export function isBad({ kind }: Mark): boolean {
  return kind !== "above" && kind !== "below";
}

/** The places where lines go beyond the axis because it was cut, or have no logarithm. */
export function beyond(strands: readonly Strand[], scale: Scale): readonly Mark[] {
  const marks: Mark[] = [];
  for (const { run, places, min, max } of strands) {
    if (!scale.cut && !scale.log) continue;
    places.forEach((place, index) => {
      const low = min[index] ?? null;
      const high = max[index] ?? null;
      if (low === null || high === null) return;
      if (scale.log && low <= 0) marks.push({ kind: "not_positive", place, run });
      if (scale.cut && high > scale.to) marks.push({ kind: "above", place, run });
      if (scale.cut && low < scale.from) marks.push({ kind: "below", place, run });
    });
  }
  return marks;
}

interface Extent {
  from: number;
  to: number;
}

/** The least and the greatest of all that is drawn, as far as it lies between two values. */
function extent(strands: readonly Strand[], least: number, greatest: number): Extent | null {
  let from = Infinity;
  let to = -Infinity;
  const look = (column: readonly Height[] | undefined): void => {
    if (column === undefined) return;
    for (const height of column) {
      if (height === null || height < least || height > greatest) continue;
      if (height < from) from = height;
      if (height > to) to = height;
    }
  };
  for (const { mean, min, max, smooth } of strands) for (const column of [mean, min, max, smooth]) look(column);
  return from <= to ? { from, to } : null;
}

/** From the 1st to the 99th percentile; null where there are too few to have such. Of very many every so manieth counts. */
function percentiles(strands: readonly Strand[]): Extent | null {
  const all = strands.reduce((sum, { mean }) => sum + mean.length, 0);
  const stride = Math.ceil(all / SAMPLE);
  const values: number[] = [];
  for (const { mean } of strands) {
    for (let index = 0; index < mean.length; index += stride) {
      const height = mean[index] ?? null;
      if (height !== null) values.push(height);
    }
  }
  if (values.length < FEW) return null;
  const sorted = Float64Array.from(values).sort();
  const last = sorted.length - 1;
  return { from: sorted[Math.ceil(last * 0.01)] ?? 0, to: sorted[Math.floor(last * 0.99)] ?? 0 };
}

function pad({ from, to }: Extent): Extent {
  const height = to - from;
  if (height > 0) return { from: from - height * ROOM, to: to + height * ROOM };
  const half = Math.abs(from) * ROOM || 1;
  return { from: from - half, to: to + half };
}

function padLog({ from, to }: Extent): Extent {
  const factor = Math.max((to / from) ** ROOM, 1.02);
  return { from: from / factor, to: to * factor };
}
