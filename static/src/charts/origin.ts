// Forks from their origin on: what was trained before their first step, beside their own curves. Pure.

import type { Odd, Segment, Series, SeriesAnswer } from "../api/series.ts";
import type { Fork } from "../lib/forks.ts";
import { whole } from "../lib/format.ts";
import type { XKind } from "./ticks.ts";

/** A run that some forks come from, as far as they do. */
export interface Part {
  run: string;
  name: string;
  /** Its first step, and the first that is not asked for. */
  from: number;
  until: number;
  /** The run after which all that belongs together is coloured. */
  root: string;
}

/** What is drawn before some forks. What several come from is there once, as far as the last of them goes. */
export function partsOf(runs: readonly string[], forks: ReadonlyMap<string, Pick<Fork, "before">>): readonly Part[] {
  const found = new Map<string, Part>();
  for (const run of runs) {
    const before = forks.get(run)?.before ?? [];
    for (const { run_id: id, name, from, until } of before) {
      const known = found.get(id);
      const root = known?.root ?? found.get(before[0]?.run_id ?? id)?.root ?? before[0]?.run_id ?? id;
      found.set(id, { run: id, name, from, until: Math.max(until, known?.until ?? until), root });
    }
  }
  return [...found.values()];
}

/** Those that are drawn with these metrics: metrics of the machine count steps of their own. */
export function partsFor(parts: readonly Part[], axis: XKind, metrics: readonly string[]): readonly Part[] {
  return axis === "step" && !metrics.some((metric) => metric.startsWith("system/")) ? parts : [];
}

/** The steps that a part is asked for where only some of x are shown; null where none of them are its. */
export function rangeOf({ from, until }: Part, shown: readonly [number, number] | null): readonly [number, number] | null {
  const [first, last] = [Math.max(from, shown?.[0] ?? from), Math.min(until - 1, shown?.[1] ?? until)];
  // A range of no length is refused; the step before is that of an earlier run.
  return first > last ? null : [first === last ? last - 0.5 : first, last];
}

/** Whether the curve of a part is drawn anyway: as that of a run, or within that of a training. */
export function isDrawn({ run }: Part, { series }: Pick<SeriesAnswer, "series">, hidden: ReadonlySet<string>): boolean {
  return series.some(({ run_id, attempts }) => !hidden.has(run_id) && (run_id === run || (attempts?.some((one) => one.run_id === run) ?? false)));
}

/** Whether a series is drawn: what a fork comes from also where the run itself is hidden. */
export function isShown({ run_id, until }: Series, hidden: ReadonlySet<string>): boolean {
  return until !== undefined || !hidden.has(run_id);
}

/** Answers for runs and for what they come from as one, with the x of all. */
export function withParts(own: SeriesAnswer, parts: readonly { part: Part; answer: SeriesAnswer }[]): SeriesAnswer {
  const some = parts.filter(({ answer }) => answer.series.some(({ points }) => points > 0));
  if (some.length === 0) return own;
  const x = [...new Set([...own.x, ...some.flatMap(({ answer }) => answer.x)])].sort((one, other) => one - other);
  const places = new Map(x.map((value, place) => [value, place]));
  const moved = (answer: SeriesAnswer): Series[] => {
    const all = answer.x.map((value) => places.get(value) ?? 0);
    const move = (at: readonly number[] | null): readonly number[] => (at === null ? all : at.map((place) => all[place] ?? 0));
    const odd = (one: Odd | undefined): Odd | undefined => one && { ...one, at: move(one.at) };
    return answer.series.map((series) => {
      const bad = { nan: odd(series.nan), infinity: odd(series.infinity), negative_infinity: odd(series.negative_infinity) };
      const present = Object.fromEntries(Object.entries(bad).filter(([, one]) => one !== undefined));
      return { ...series, ...present, segments: series.segments.map((segment): Segment => ({ ...segment, at: move(segment.at) })) };
    });
  };
  const before = some.flatMap(({ part, answer }) => moved(answer).map((series): Series => ({ ...series, until: part.until, width: answer.grid?.width ?? 0 })));
  return { ...own, x, raw: own.raw && some.every(({ answer }) => answer.raw), series: [...before, ...moved(own)] };
}

/** `faded: control up to step 60,050`; null where nothing of an origin is drawn. */
export function originNote(series: readonly Series[], nameOf: (run: string) => string): string | null {
  const last = new Map<string, number>();
  for (const { run_id, until } of series) {
    if (until !== undefined) last.set(nameOf(run_id), Math.max(until, last.get(nameOf(run_id)) ?? until));
  }
  return last.size === 0 ? null : `faded: ${[...last].map(([name, until]) => `${name} up to step ${whole(until)}`).join(", ")}`;
}
