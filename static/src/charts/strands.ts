// Curves as the server tells them, as lines that are drawn each by itself. Pure.

import type { Figure, SeriesAnswer } from "../api/series.ts";
import { hasDots } from "./kind.ts";
import { isShown } from "./origin.ts";

/** A figure, or null where there is no finite one. */
export type Height = number | null;

/** A line that is drawn in one stroke: a segment of a series, or what many runs come to. */
export interface Strand {
  /** "" for what many runs come to. */
  run: string;
  metric: string;
  /** Whether it is the newest of its series; what was gone over again is drawn faintly. */
  newest: boolean;
  /** Whether each value is a dot too. */
  dots: boolean;
  /** How wide the buckets are of which x are the middles; 0 where each x is that of a point. */
  width: number;
  /** Places in the x of the answer, rising. */
  places: readonly number[];
  mean: readonly Height[];
  min: readonly Height[];
  max: readonly Height[];
  smooth?: readonly Height[];
}

/**
 * The lines of all series but those of `hidden` runs, in the order of the answer, older ones before newer. Along time no line goes
 * over another of its series again, so that all are new.
 */
export function strandsOf(answer: SeriesAnswer, hidden: ReadonlySet<string>, alongTime: boolean): readonly Strand[] {
  const everywhere = answer.x.map((_, place) => place);
  return answer.series
    .filter((series) => isShown(series, hidden))
    .flatMap((series) =>
      series.segments.map((segment, number) => ({
        run: series.run_id,
        metric: series.metric,
        newest: series.superseded !== true && series.until === undefined && (alongTime || number === series.segments.length - 1),
        dots: hasDots(series),
        width: series.width ?? answer.grid?.width ?? 0,
        places: segment.at ?? everywhere,
        mean: heights(segment.mean),
        min: heights(segment.min),
        max: heights(segment.max),
        ...(segment.smooth && { smooth: heights(segment.smooth) }),
      })),
    );
}

/**
 * What the runs come to, for each metric: the mean of their lines at each x, and the least and the greatest of them. Between its
 * points a run counts with its line.
 */
export function meanStrands(strands: readonly Strand[], x: readonly number[]): readonly Strand[] {
  const metrics = [...new Set(strands.map(({ metric }) => metric))];
  return metrics.map((metric) => meanStrand(metric, strands.filter((strand) => strand.metric === metric && strand.newest), x));
}

function meanStrand(metric: string, strands: readonly Strand[], x: readonly number[]): Strand {
  const sum = new Float64Array(x.length);
  const count = new Uint32Array(x.length);
  const least = new Float64Array(x.length).fill(Infinity);
  const greatest = new Float64Array(x.length).fill(-Infinity);
  const add = (place: number, mean: number, min: number, max: number): void => {
    sum[place] = (sum[place] ?? 0) + mean;
    count[place] = (count[place] ?? 0) + 1;
    least[place] = Math.min(least[place] ?? Infinity, min);
    greatest[place] = Math.max(greatest[place] ?? -Infinity, max);
  };
  for (const strand of strands) {
    const line = strand.smooth ?? strand.mean;
    let before = -1;
    strand.places.forEach((place, index) => {
      const here = line[index] ?? null;
      if (here === null) {
        before = -1;
        return;
      }
      if (before >= 0) between(x, strand.places[before] ?? 0, place, line[before] ?? here, here, add);
      before = index;
      add(place, here, strand.min[index] ?? here, strand.max[index] ?? here);
    });
  }
  const places = x.map((_, place) => place).filter((place) => (count[place] ?? 0) > 0);
  return {
    run: "",
    metric,
    newest: true,
    dots: false,
    width: Math.max(0, ...strands.map(({ width }) => width)),
    places,
    mean: places.map((place) => (sum[place] ?? 0) / (count[place] ?? 1)),
    min: places.map((place) => least[place] ?? null),
    max: places.map((place) => greatest[place] ?? null),
  };
}

/** Calls `add` for each place between two, with the height of the line that joins them. */
function between(
  x: readonly number[],
  from: number,
  to: number,
  start: number,
  end: number,
  add: (place: number, mean: number, min: number, max: number) => void,
): void {
  const first = x[from] ?? 0;
  const width = (x[to] ?? 0) - first;
  for (let place = from + 1; place < to; place += 1) {
    const height = start + ((end - start) * ((x[place] ?? 0) - first)) / width;
    add(place, height, height, height);
  }
}

/** Figures are numbers but for what JSON lacks, so that there is seldom anything to be copied. */
function heights(figures: readonly (Figure | null)[]): readonly Height[] {
  return figures.some((figure) => typeof figure === "string") ? figures.map((figure) => (typeof figure === "number" ? figure : null)) : (figures as readonly Height[]);
}
