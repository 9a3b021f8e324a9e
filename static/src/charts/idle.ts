// When a machine had nothing to do. Pure.

import type { Strand } from "./strands.ts";

/** Below so many percent a device is idle. */
const IDLE_PERCENT = 5;

/** From and to, in units of x, where the only line of a card about utilisation stays near 0 for more than one value. */
export function idleRanges(metric: string, strands: readonly Strand[], x: readonly number[]): readonly (readonly [number, number])[] {
  if (!metric.startsWith("system/") || !/util/.test(metric) || new Set(strands.map(({ run }) => run)).size !== 1) return [];
  return strands.flatMap(({ places, mean }) => {
    const found: [number, number][] = [];
    let start: number | null = null;
    places.forEach((place, index) => {
      const height = mean[index] ?? null;
      const here = x[place] ?? 0;
      if (height === null || height >= IDLE_PERCENT) start = null;
      else if (start === null) start = here;
      else if (found.at(-1)?.[0] === start) found[found.length - 1] = [start, here];
      else found.push([start, here]);
    });
    return found;
  });
}
