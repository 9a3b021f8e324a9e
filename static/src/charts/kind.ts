// How curves are drawn follows from how many values they have, never from their steps. Pure.

import type { Series } from "../api/series.ts";

/** Nothing; one value as a number; one value of each of several runs as dots on an axis; lines. */
export type Kind = "none" | "tile" | "dots" | "line";

/** Up to so many values of a series each is drawn as a dot too. */
const FEW = 60;

/** How the series of a card are drawn, by their values in the range that is shown. */
export function kindOf(series: readonly Series[]): Kind {
  const most = Math.max(0, ...series.map(({ points }) => points));
  if (most === 0) return "none";
  if (most > 1) return "line";
  return series.length === 1 ? "tile" : "dots";
}

/** Whether the values of a series are few enough to be told apart as dots. */
export function hasDots(series: Series): boolean {
  return series.points < FEW;
}

/** Whether each series is at one step, so that only time tells its values apart. */
export function isAtOneStep(series: readonly Series[]): boolean {
  const some = series.filter(({ points }) => points > 0);
  return some.some(({ total }) => total > 1) && some.every(({ min_step, max_step }) => min_step === max_step);
}

/** The only value that the series have, where each has at least two and all are that; else null. */
export function constantOf(series: readonly Series[]): number | null {
  const some = series.filter(({ total }) => total > 0);
  const value = some[0]?.min;
  if (typeof value !== "number") return null;
  const is = some.every((one) => one.total > 1 && one.min === value && one.max === value && oddCount(one) === 0);
  return is ? value : null;
}

/** How many values in the range are no finite number. */
export function oddCount({ nan, infinity, negative_infinity }: Series): number {
  return (nan?.count ?? 0) + (infinity?.count ?? 0) + (negative_infinity?.count ?? 0);
}
