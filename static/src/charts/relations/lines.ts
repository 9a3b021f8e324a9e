// Where axes stand, and the line of each run through them. Pure.

import type { Palette } from "../palette.ts";
import type { Column } from "./column.ts";
import { scaleOf } from "./scale.ts";
import type { Scale } from "./scale.ts";
import { pathThrough, short } from "./shapes.ts";
import type { Shape } from "./shapes.ts";

export interface Axis {
  column: Column;
  scale: Scale;
  /** Pixels from the left. */
  x: number;
}

/** Where things stand, in pixels from the top: both ends of the axes, and below them the places of what has none on its axis. */
export interface Layout {
  width: number;
  height: number;
  top: number;
  bottom: number;
  /** Of what is no finite number, or not above 0 on a logarithmic axis; null where no axis has that. */
  odd: number | null;
  /** Of what is not set. */
  missing: number | null;
}

/** A line: its heights at the axes, and its path. */
export interface Line {
  heights: readonly number[];
  d: string;
}

const HEIGHT = 340;
const EDGE = 12;
const PLACE = 18;
const TICKS = 5;
/** As wide as the longest label is. */
const LABEL_WIDTH = 100;

/** Lays out columns as axes from left to right. */
export function axesOf(columns: readonly Column[], log: ReadonlySet<string>, width: number): readonly Axis[] {
  return columns.map((column, place) => ({ column, scale: scaleOf(column, log.has(column.id), TICKS), x: ((place + 0.5) * width) / columns.length }));
}

export function layoutOf(axes: readonly Axis[], width: number): Layout {
  const hasMissing = axes.some(({ column }) => column.missing > 0);
  const hasOdd = axes.some(({ column, scale }) => column.odd + scale.notPositive > 0);
  const missing = hasMissing ? HEIGHT - EDGE : null;
  const odd = hasOdd ? (missing ?? HEIGHT - EDGE + PLACE) - PLACE : null;
  const lowest = odd ?? missing;
  return { width, height: HEIGHT, top: EDGE, bottom: lowest === null ? HEIGHT - EDGE : lowest - PLACE - 4, odd, missing };
}

/** How far from the top a run stands at an axis. */
export function heightAt({ column, scale }: Axis, run: number, { top, bottom, odd, missing }: Layout): number {
  const at = scale.at(column.values[run] ?? Number.NaN);
  if (Number.isFinite(at)) return bottom - at * (bottom - top);
  return (column.cells[run] === null ? missing : odd) ?? bottom;
}

export function linesOf(axes: readonly Axis[], layout: Layout, runs: number): readonly Line[] {
  return Array.from({ length: runs }, (_, run) => {
    const heights = axes.map((axis) => heightAt(axis, run, layout));
    return { heights, d: pathThrough(heights.map((height, place) => [axes[place]?.x ?? 0, height])) };
  });
}

/** How near a line must be to be pointed at, pixels. */
const NEAR = 8;

/** The run whose line is nearest to a place; null where none is near. */
export function nearestLine(axes: readonly Axis[], lines: readonly Line[], among: readonly number[], x: number, y: number): number | null {
  const right = axes.findIndex((axis) => axis.x >= x);
  const [one, other] = right < 0 ? [axes.length - 1, axes.length - 1] : [Math.max(0, right - 1), right];
  const [from, to] = [axes[one]?.x ?? 0, axes[other]?.x ?? 0];
  const part = to > from ? (x - from) / (to - from) : 0;
  let [nearest, distance] = [-1, NEAR];
  for (const run of among) {
    const heights = lines[run]?.heights;
    const height = (heights?.[one] ?? 0) * (1 - part) + (heights?.[other] ?? 0) * part;
    if (Math.abs(height - y) < distance) [nearest, distance] = [run, Math.abs(height - y)];
  }
  return nearest < 0 ? null : nearest;
}

/** The axes with their ticks, and the words at the places below them. */
export function axisShapes(axes: readonly Axis[], { width, top, bottom, odd, missing }: Layout, palette: Palette): readonly Shape[] {
  const shapes: Shape[] = [];
  const label = (x: number, y: number, text: string): void => {
    const isLast = x + LABEL_WIDTH > width;
    shapes.push({ kind: "text", x: x + (isLast ? -6 : 6), y: y + 4, text: short(text), fill: palette.text, halo: palette.surface, anchor: isLast ? "end" : "start" });
  };
  for (const { column, scale, x } of axes) {
    shapes.push({ kind: "path", d: `M${x} ${top}V${bottom}`, stroke: palette.soft });
    for (const { at, text } of scale.ticks) {
      const y = bottom - at * (bottom - top);
      shapes.push({ kind: "path", d: `M${x - 3} ${y}H${x + 3}`, stroke: palette.soft });
      label(x, y, text);
    }
    const beside = [column.odd > 0 ? "not a number" : "", scale.notPositive > 0 ? "≤ 0" : ""].filter((word) => word !== "").join(", ");
    if (odd !== null && beside !== "") label(x, odd, `${beside} ${column.odd + scale.notPositive}`);
    if (missing !== null && column.missing > 0) label(x, missing, `not set ${column.missing}`);
  }
  return shapes;
}

/** How much of many lines is seen through. */
export function opacityOf(lines: number): number {
  return lines > 300 ? 0.35 : lines > 60 ? 0.6 : 0.9;
}
