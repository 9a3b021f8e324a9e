// What curves say at an x. Pure.

import type { Drawing } from "./arrange.ts";
import type { Strand } from "./strands.ts";

/** The value of a line that is nearest to an x. */
export interface Reading {
  run: string;
  metric: string;
  x: number;
  /** How wide the bucket is of which x is the middle; 0 where x is that of a point. */
  width: number;
  value: number;
  /** The least and the greatest that the value stands for; both are the value where it is one point. */
  min: number;
  max: number;
}

/** How far beyond its ends a line is still read, of all of x: an end is hard to hit. */
const REACH = 0.015;
/** A line this close to the pointer is meant by it, of the height of the axis. */
const CLOSE = 0.06;

/** One reading of each run and metric whose lines reach to this x, newest line first; those nearest to `height` first. */
export function readingsAt(drawing: Drawing, x: number, height: number): readonly Reading[] {
  const found = new Map<string, Reading & { away: number; newest: boolean }>();
  for (const strand of drawing.strands) {
    const reading = readingOf(strand, drawing.x, x);
    if (reading === null) continue;
    const key = `${strand.run}\n${strand.metric}`;
    const other = found.get(key);
    // The newest line counts, as far as it reaches; older ones only beyond its ends.
    if (other && (other.away < reading.away || (other.away === reading.away && other.newest))) continue;
    found.set(key, { ...reading, newest: strand.newest });
  }
  const reach = REACH * ((drawing.x[drawing.x.length - 1] ?? 0) - (drawing.x[0] ?? 0));
  return [...found.values()]
    .filter(({ away }) => away <= reach)
    .sort((one, other) => Math.abs(one.value - height) - Math.abs(other.value - height))
    .map(({ away: _, newest: __, ...reading }) => reading);
}

/** The run of the nearest line, should it be close; null where none is. */
export function meantRun(found: readonly Reading[], height: number, { scale }: Drawing): string | null {
  const nearest = found[0];
  if (!nearest || nearest.run === "") return null;
  const place = (value: number): number => (scale.log ? Math.log(Math.max(value, scale.from)) : value);
  const share = Math.abs(place(nearest.value) - place(height)) / (place(scale.to) - place(scale.from));
  return share <= CLOSE ? nearest.run : null;
}

/** `away` is how far x lies beyond the ends of the line, 0 within. */
function readingOf(strand: Strand, xs: readonly number[], x: number): (Reading & { away: number }) | null {
  const { places, run, metric } = strand;
  const line = strand.smooth ?? strand.mean;
  const at = nearestPlace(places, xs, x);
  // Where the nearest value is no number, its neighbour is not what is here either.
  const index = at < 0 || (line[at] ?? null) === null ? -1 : at;
  const value = line[index] ?? null;
  if (value === null) return null;
  const [first = 0, last = 0] = [xs[places[0] ?? 0], xs[places[places.length - 1] ?? 0]];
  const away = x < first ? first - x : x > last ? x - last : 0;
  return { run, metric, x: xs[places[index] ?? 0] ?? 0, width: strand.width, value, min: strand.min[index] ?? value, max: strand.max[index] ?? value, away };
}

/** The index of the place whose x is nearest, -1 where there is none. */
function nearestPlace(places: readonly number[], xs: readonly number[], x: number): number {
  let low = 0;
  let high = places.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((xs[places[middle] ?? 0] ?? 0) <= x) low = middle;
    else high = middle;
  }
  const distance = (index: number): number => Math.abs((xs[places[index] ?? 0] ?? 0) - x);
  return distance(high) < distance(low) ? high : low;
}
