// Which cards are asked for together, and which of them one answer serves. Pure.

import type { Segment, Series, SeriesAnswer } from "../api/series.ts";

/** Curves of one request: enough to save round trips, few enough that the first are there soon. */
const CURVES = 40;
/** A card whose curves fill less than this of the common x would lose detail. */
const FILLS = 0.7;

interface Asked {
  run_ids: readonly string[];
  metrics: readonly string[];
}

/** Puts what differs in nothing but its metrics into groups of a size that can be answered at once. */
export function together<Item>(items: readonly Item[], asked: (item: Item) => Asked): readonly (readonly Item[])[] {
  const groups: { key: string; size: number; items: Item[] }[] = [];
  for (const item of items) {
    const { metrics, ...rest } = asked(item);
    const key = JSON.stringify(rest);
    const size = metrics.length * rest.run_ids.length;
    const open = groups.find((group) => group.key === key && group.size + size <= CURVES);
    if (open) {
      open.items.push(item);
      open.size += size;
    } else groups.push({ key, size, items: [item] });
  }
  return groups.map((group) => group.items);
}

/**
 * Which of the items an answer for all of them serves as well as one of its own would; the others in groups of those that are
 * alike. What is alone, or alike in all its members, is served.
 */
export function spread<Item>(
  items: readonly Item[],
  answer: SeriesAnswer,
  metricsOf: (item: Item) => readonly string[],
): { served: readonly Item[]; others: readonly (readonly Item[])[] } {
  if (answer.raw || items.length === 1) return { served: items, others: [] };
  const served: Item[] = [];
  const others = new Map<string, Item[]>();
  for (const item of items) {
    const its = answer.series.filter(({ metric }) => metricsOf(item).includes(metric));
    if (isServed(its, answer)) served.push(item);
    else {
      const key = its.map(({ run_id, total, min_step, max_step }) => [run_id, total, min_step, max_step].join()).join(";");
      others.set(key, [...(others.get(key) ?? []), item]);
    }
  }
  const groups = [...others.values()];
  if (groups[0]?.length === items.length) return { served: items, others: [] };
  return { served, others: groups };
}

/** An answer with these metrics alone, and only the x that they use. */
export function withMetrics(answer: SeriesAnswer, metrics: readonly string[]): SeriesAnswer {
  const series = answer.series.filter(({ metric }) => metrics.includes(metric));
  if (series.length === answer.series.length) return answer;
  const used = new Uint8Array(answer.x.length);
  for (const places of series.flatMap(placesOf)) {
    if (places === null) used.fill(1);
    else for (const place of places) used[place] = 1;
  }
  const moved = new Int32Array(answer.x.length);
  const x: number[] = [];
  answer.x.forEach((value, place) => {
    moved[place] = x.length;
    if (used[place] === 1) x.push(value);
  });
  if (x.length === answer.x.length) return { ...answer, series };
  const move = (at: readonly number[] | null): readonly number[] | null => at && at.map((place) => moved[place] ?? 0);
  return {
    ...answer,
    x,
    series: series.map((one) => ({
      ...one,
      ...(one.nan && { nan: { ...one.nan, at: move(one.nan.at) } }),
      ...(one.infinity && { infinity: { ...one.infinity, at: move(one.infinity.at) } }),
      ...(one.negative_infinity && { negative_infinity: { ...one.negative_infinity, at: move(one.negative_infinity.at) } }),
      segments: one.segments.map((segment): Segment => ({ ...segment, at: move(segment.at) })),
    })),
  };
}

/** Whether curves have more points than the grid has places, and fill most of it. */
function isServed(series: readonly Series[], { x }: SeriesAnswer): boolean {
  const some = series.filter(({ points }) => points > 0);
  if (some.length === 0) return true;
  if (Math.max(...some.map(({ points }) => points)) <= x.length) return false;
  let from = x.length - 1;
  let to = 0;
  for (const places of some.flatMap(placesOf)) {
    if (places === null) return true;
    from = Math.min(from, places[0] ?? from);
    to = Math.max(to, places[places.length - 1] ?? to);
  }
  const width = (x[x.length - 1] ?? 0) - (x[0] ?? 0);
  return ((x[to] ?? 0) - (x[from] ?? 0)) / width >= FILLS;
}

/** The places of all that a series has; null stands for all places. */
function placesOf({ segments, nan, infinity, negative_infinity }: Series): readonly (readonly number[] | null)[] {
  return [...segments, nan, infinity, negative_infinity].flatMap((part) => (part === undefined ? [] : [part.at]));
}
