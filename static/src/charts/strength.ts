// How strong lines are drawn, and the room of axes: the same on a canvas and as vectors. Pure.

import type { Stroke } from "./arrange.ts";
import { logTicks, ticks } from "./ticks.ts";

export const FAINT_BAND = 0.13;
const OLD = 0.35;
const GHOST = 0.28;
/** What the lines of others come down to where one is lifted out. */
const BEHIND = 0.22;
/** Widths of lines and of dots, CSS pixels. */
export const WIDTH = 1.5;
export const LIFTED_WIDTH = 2.5;
export const DOT = 4;
/** Height of the axis of x, and about the width of the other, CSS pixels. */
export const X_AXIS = 26;
export const Y_AXIS = 50;
/** What is free above and right of the drawing, and the width of a character beside an axis, CSS pixels. */
export const ABOVE = 8;
export const RIGHT = 14;
export const CHARACTER = 6.6;
/** Room for a tick and its words, CSS pixels. */
export const X_TICK = 72;
export const Y_TICK = 32;
/** Size of a mark at an edge, CSS pixels. */
export const MARK = 5;

/** The strength of a stroke, of 1; `lifted` is the run that is lifted out, null for none. */
export function alphaOf({ newest, role, run }: Stroke, lifted: string | null): number {
  return (newest ? 1 : OLD) * (role === "ghost" ? GHOST : 1) * (lifted !== null && run !== lifted ? BEHIND : 1);
}

/** What a vertical axis with these words takes, CSS pixels. */
export function yAxisWidth(labels: readonly string[]): number {
  return 14 + CHARACTER * Math.max(3, ...labels.map(({ length }) => length));
}

/** The ticks of a vertical axis, about `most` of them. */
export function valueTicks(from: number, to: number, most: number, log: boolean): readonly number[] {
  return log ? logTicks(from, to, most) : ticks(from, to, most, "value");
}
