// Lines as columns for uPlot: one shared x, and a column for each stroke. Pure.

import type { Series } from "../api/series.ts";
import type { Mark, Scale } from "./range.ts";
import { beyond } from "./range.ts";
import type { Height, Strand } from "./strands.ts";

/**
 * The heights of a stroke at each x. `null` ends the stroke there; `undefined` is an x of other strokes only, over which it goes
 * on.
 */
export type Column = readonly (Height | undefined)[];

/** What a column is: a line, the raw values behind a smoothed line, or the edges of a band. */
export type Role = "line" | "ghost" | "top" | "bottom";

export interface Stroke {
  run: string;
  metric: string;
  role: Role;
  newest: boolean;
  /** Places where a dot is drawn: everywhere where there are few values, else where a value has no neighbour to be joined with. */
  dots: readonly number[];
}

/** All that is drawn in a card. */
export interface Drawing {
  x: readonly number[];
  scale: Scale;
  strands: readonly Strand[];
  /** Column by column. A `top` is always followed by its `bottom`, and a line comes after its band and its ghost. */
  strokes: readonly Stroke[];
  columns: readonly Column[];
  marks: readonly Mark[];
}

/** Lays out lines over x, with the marks of what cannot be a part of a line. */
export function arrange(x: readonly number[], strands: readonly Strand[], scale: Scale, odd: readonly Mark[]): Drawing {
  const strokes: Stroke[] = [];
  const columns: Column[] = [];
  const put = (strand: Strand, role: Role, heights: readonly Height[]): void => {
    const { run, metric, newest } = strand;
    strokes.push({ run, metric, role, newest, dots: role === "line" ? dotsOf(strand, heights) : [] });
    columns.push(column(x.length, strand.places, scale.log ? heights.map((height) => logarithmic(height, role, scale)) : heights));
  };
  // Old passes lie below new ones.
  for (const strand of [...strands].sort((one, other) => Number(one.newest) - Number(other.newest))) {
    if (hasBand(strand)) {
      put(strand, "top", strand.max);
      put(strand, "bottom", strand.min);
    }
    if (strand.smooth) put(strand, "ghost", strand.mean);
    put(strand, "line", strand.smooth ?? strand.mean);
  }
  return { x, scale, strands, strokes, columns, marks: [...odd, ...beyond(strands, scale)] };
}

/** Where the series have values that are no finite number. */
export function oddMarks(series: readonly Series[], all: number): readonly Mark[] {
  const everywhere = Array.from({ length: all }, (_, place) => place);
  return series.flatMap((one) =>
    (["nan", "infinity", "negative_infinity"] as const).flatMap((kind) => {
      const odd = one[kind];
      return odd === undefined ? [] : (odd.at ?? everywhere).map((place) => ({ kind, place, run: one.run_id }));
    }),
  );
}

function dotsOf({ dots, places }: Strand, heights: readonly Height[]): readonly number[] {
  const found: number[] = [];
  for (let index = 0; index < places.length; index += 1) {
    if ((heights[index] ?? null) === null) continue;
    const isAlone = (heights[index - 1] ?? null) === null && (heights[index + 1] ?? null) === null;
    if (dots || isAlone) found.push(places[index] ?? 0);
  }
  return found;
}

function hasBand({ min, max }: Strand): boolean {
  return min.some((low, index) => low !== max[index]);
}

/** What is not above 0 has no place on a logarithmic axis; the edge of a band that reaches there goes down to the axis' end. */
function logarithmic(height: Height, role: Role, scale: Scale): Height {
  if (height === null || height > 0) return height;
  return role === "bottom" ? scale.from : null;
}

function column(length: number, places: readonly number[], heights: readonly Height[]): Column {
  if (places.length === length) return heights;
  const filled = new Array<Height | undefined>(length).fill(undefined);
  // A gap reaches from the last number to the next, over the x of other lines too: half of a stroke would be a value.
  let open = -1;
  places.forEach((place, index) => {
    const height = heights[index] ?? null;
    filled[place] = height;
    if (height !== null) {
      if (open >= 0 && index > 0 && (heights[index - 1] ?? null) === null) filled.fill(null, open + 1, place);
      open = place;
    }
  });
  if (places.length > 0 && open >= 0) {
    const last = places[places.length - 1] ?? 0;
    if (last > open) filled.fill(null, open + 1, last + 1);
  }
  return filled;
}
