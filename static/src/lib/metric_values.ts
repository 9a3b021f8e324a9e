// What the table of values says of a metric: its last value, its best or that at a step, and how these compare. Pure.

import type { Summary } from "../api/runs.ts";
import type { Better } from "./better.ts";
import { number } from "./format.ts";

/** Which value of a metric. */
export type Which = "last" | "best" | "at";
/** Which value an address asks for, and at which step; only that is told where both are asked for. */
export function whichOf({ at, val }: { at?: string | undefined; val?: string | undefined }): { which: Which; step: number | undefined } {
  const step = at !== undefined && /^-?\d{1,15}$/.test(at) ? Number(at) : undefined;
  return { which: step !== undefined ? "at" : val === "best" ? "best" : "last", step };
}

/** What is told of the difference to the base. */
export type Delta = "none" | "abs" | "pct";

/** A value of a metric and the step at which it was logged. */
export interface Shown {
  value: number | string;
  step: number;
}

/** What a cell shows; null where there is no such value. */
export function shownOf(summary: Summary | null | undefined, which: Which, better: Better): Shown | null {
  if (!summary) return null;
  if (which === "last") return { value: summary.last, step: summary.last_step };
  if (which === "at") return summary.at == null || summary.at_step == null ? null : { value: summary.at, step: summary.at_step };
  if (better === "none") return null;
  const [value, step] = better === "max" ? [summary.max, summary.max_step] : [summary.min, summary.min_step];
  return value === null || step === null ? null : { value, step };
}

/** The places of the best of some values; none where all are the same, fewer than two are numbers, or good is not known. */
export function bestOf(values: readonly (Shown | null)[], better: Better): ReadonlySet<number> {
  const numbers = values.map((shown) => (shown === null ? Number.NaN : Number(shown.value)));
  const finite = numbers.filter(Number.isFinite);
  const best = better === "min" ? Math.min(...finite) : Math.max(...finite);
  if (better === "none" || finite.length < 2 || finite.every((value) => value === best)) return new Set();
  return new Set(numbers.flatMap((value, place) => (value === best ? [place] : [])));
}

/** The difference of a value to that of the base, in % where that is asked for; null where there is none to tell. */
export function deltaOf(value: Shown | null, base: Shown | null, delta: Delta): number | null {
  if (delta === "none" || value === null || base === null) return null;
  const difference = Number(value.value) - Number(base.value);
  if (!Number.isFinite(difference)) return null;
  if (delta === "abs" || difference === 0) return difference;
  const whole = Math.abs(Number(base.value));
  return whole === 0 ? null : (difference / whole) * 100;
}

/** The same in words, with its sign; "" where there is none to tell. */
export function deltaText(value: Shown | null, base: Shown | null, delta: Delta): string {
  const difference = deltaOf(value, base, delta);
  if (difference === null) return "";
  if (delta === "abs") return signed(difference, number(Math.abs(difference)));
  // None at all is told without decimals, as there is nothing to round.
  return `${signed(difference, Number(base?.value) === 0 ? "0" : percentText(Math.abs(difference)))} %`;
}

/** Whether a change from the base is one for the better, for the worse, or neither. */
export function verdict(value: Shown | null, base: Shown | null, better: Better): "better" | "worse" | "" {
  if (better === "none" || value === null || base === null) return "";
  const difference = Number(value.value) - Number(base.value);
  if (!Number.isFinite(difference) || difference === 0) return "";
  return difference < 0 === (better === "min") ? "better" : "worse";
}

/** A step at which as many runs as possible have something to compare: the least of their last steps. */
export function commonStep(rows: readonly { cells: readonly (Summary | null)[] }[]): number {
  const lastSteps = new Map<number, number>();
  for (const { cells } of rows) {
    for (const [place, cell] of cells.entries()) {
      if (cell) lastSteps.set(place, Math.max(cell.last_step, lastSteps.get(place) ?? 0));
    }
  }
  return lastSteps.size === 0 ? 0 : Math.min(...lastSteps.values());
}

function signed(value: number, size: string): string {
  if (value === 0) return `±${size}`;
  return `${value < 0 ? "−" : "+"}${size}`;
}

/** Two or three digits; a change is never told as none. */
function percentText(percent: number): string {
  if (percent >= 9.95) return number(Math.round(percent));
  if (percent >= 0.05 || percent === 0) return percent.toFixed(1);
  return number(Number(percent.toPrecision(1)));
}
