// Where values stand on an axis. Pure.

import { number } from "../../lib/format.ts";
import { logTicks, ticks, valueLabels } from "../ticks.ts";
import type { Column } from "./column.ts";

export interface Scale {
  log: boolean;
  /** Where a value stands, 0 to 1; NaN for what has no place, as what is not above 0 on a logarithmic axis. */
  at: (value: number) => number;
  /** The value at a place, of texts their place in the list with fractions. */
  back: (at: number) => number;
  /** Places with what is written there. */
  ticks: readonly { at: number; text: string }[];
  /** Values that are not above 0, where they have no place. */
  notPositive: number;
}

/** The scale that holds all values of a column; `most` ticks of numbers. */
export function scaleOf(column: Column, wantsLog: boolean, most: number): Scale {
  const finite = column.values.filter(Number.isFinite);
  if (column.kind !== "number") return ofTexts(column.texts, most);
  const positive = finite.filter((value) => value > 0);
  const log = wantsLog && positive.length > 0;
  const shown = log ? positive : finite;
  const [from, to] = [least(shown), greatest(shown)];
  const [scaled, unscaled] = log ? [Math.log, Math.exp] : [same, same];
  const [low, high] = [scaled(from), scaled(to)];
  const at = (value: number): number => {
    if (!Number.isFinite(value) || (log && value <= 0)) return Number.NaN;
    return high > low ? (scaled(value) - low) / (high - low) : 0.5;
  };
  const places = from < to ? (log ? logTicks(from, to, most) : ticks(from, to, most, "value")) : shown.slice(0, 1);
  const labels = log || places.length < 2 ? places.map(number) : valueLabels(places);
  return {
    log,
    at,
    back: (place) => (high > low ? unscaled(low + place * (high - low)) : from),
    ticks: places.map((value, index) => ({ at: at(value), text: labels[index] ?? "" })),
    notPositive: log ? finite.length - positive.length : 0,
  };
}

/** From so many times the least value on, an axis is logarithmic unless somebody chose otherwise: two decades. */
const WIDE = 100;

/** Whether the values of a column are all above 0 and so far apart that a linear axis would press the small ones together. */
export function isWide({ kind, values }: Column): boolean {
  const finite = values.filter(Number.isFinite);
  const lowest = least(finite);
  return kind === "number" && lowest > 0 && greatest(finite) / lowest >= WIDE;
}

/** Texts stand at equal distances; where they are too many some are written. */
function ofTexts(texts: readonly string[], most: number): Scale {
  const every = Math.ceil(texts.length / Math.max(1, most));
  const at = (place: number): number => (place + 0.5) / texts.length;
  return {
    log: false,
    at,
    back: (place) => place * texts.length - 0.5,
    ticks: texts.flatMap((text, place) => (place % every === 0 ? [{ at: at(place), text }] : [])),
    notPositive: 0,
  };
}

/** The least of some numbers, however many these are. */
export function least(values: readonly number[]): number {
  return values.reduce((found, value) => Math.min(found, value), Infinity);
}

export function greatest(values: readonly number[]): number {
  return values.reduce((found, value) => Math.max(found, value), -Infinity);
}

function same(value: number): number {
  return value;
}
