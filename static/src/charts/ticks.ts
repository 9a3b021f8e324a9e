// Where axes have their ticks, and what these say. Pure.

import { number } from "../lib/format.ts";

/** What an x is: a step, milliseconds since a beginning, milliseconds since 1970, or the value of a metric. */
export type XKind = "step" | "relative" | "wall" | "metric";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What binary fractions are off by, in ticks. */
const NOISE = 1e-9;

/** Distances between ticks of time that people count in, ms. */
const TIME_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 15, 30].map((many) => many * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((many) => many * MINUTE),
  ...[1, 2, 3, 6, 12].map((many) => many * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364, 728].map((many) => many * DAY),
];

/** Round places of an axis from one end to the other, at most about `most` of them. */
export function ticks(from: number, to: number, most: number, kind: XKind | "value", offsetMs = 0): readonly number[] {
  const least = (to - from) / Math.max(1, most);
  if (!(least > 0) || !Number.isFinite(least)) return [];
  const isTime = kind === "relative" || kind === "wall";
  const distance = isTime ? (TIME_STEPS.find((step) => step >= least) ?? roundUp(least)) : roundUp(kind === "step" ? Math.max(1, least) : least);
  // Days of a zone begin where its own clock shows 0.
  const shift = kind === "wall" ? offsetMs : 0;
  const first = Math.ceil((from + shift) / distance - NOISE);
  const last = Math.floor((to + shift) / distance + NOISE);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => exact((first + index) * distance) - shift);
}

/** Digits of the ticks of a logarithmic axis within each power of ten, the closest first. */
const LOG_DIGITS = [[1, 2, 3, 5], [1, 2, 5], [1, 3], [1]];

/** Ticks of a logarithmic axis: as many digits of each power of ten as there is room for, or round places where it is narrow. */
export function logTicks(from: number, to: number, most: number): readonly number[] {
  if (to / from < 3) return ticks(from, to, most, "value");
  const low = Math.floor(Math.log10(from));
  const powers = Array.from({ length: Math.ceil(Math.log10(to)) - low + 1 }, (_, index) => low + index);
  const within = (digits: readonly number[], every: number): readonly number[] =>
    powers
      .filter((power) => power % every === 0)
      .flatMap((power) => digits.map((digit) => exact(digit * 10 ** power)))
      .filter((tick) => tick >= from && tick <= to);
  const fitting = LOG_DIGITS.map((digits) => within(digits, 1)).find((all) => all.length <= most + 1);
  return fitting ?? within([1], Math.ceil(powers.length / Math.max(1, most)));
}

/** What ticks of a vertical axis say: with as many decimals as tell neighbours apart. */
export function valueLabels(values: readonly number[]): readonly string[] {
  const sizes = values.map(Math.abs).filter((size) => size > 0);
  const [largest, smallest] = [Math.max(...sizes), Math.min(...sizes)];
  const distances = values.slice(1).map((value, index) => value - (values[index] ?? 0));
  const distance = Math.min(...distances);
  const decimals = Math.max(0, -Math.floor(Math.log10(distance) + 1e-9));
  const isEven = distances.every((one) => one < distance * 1.01);
  if (!isEven || values.length < 2 || largest >= 1e6 || smallest < 1e-4 || decimals > 8) return values.map(number);
  return values.map((value) => value.toFixed(decimals).replace("-", "−"));
}

/** What ticks of x say: short, since they stand side by side. */
export function xLabels(values: readonly number[], kind: XKind, offsetMs = 0): readonly string[] {
  switch (kind) {
    case "step":
      return values.map(shortWhole);
    case "metric":
      return valueLabels(values);
    case "relative":
      return values.map(shortDuration);
    case "wall": {
      const distance = (values[1] ?? 0) - (values[0] ?? 0);
      return values.map((value, index) => clockLabel(value + offsetMs, distance, index === 0 ? null : (values[index - 1] ?? 0) + offsetMs));
    }
  }
}

/** `950`, `12k`, `1.25M`. */
function shortWhole(value: number): string {
  const size = Math.abs(value);
  const [unit, name] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${exact(value / unit)}${name}`.replace("-", "−");
}

/** `0`, `30 s`, `5 min`, `1.5 h`, `2 d`. */
function shortDuration(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return "0";
  const [unit, name] = size >= 2 * DAY ? [DAY, "d"] : size >= HOUR ? [HOUR, "h"] : size >= MINUTE ? [MINUTE, "min"] : size >= SECOND ? [SECOND, "s"] : [1, "ms"];
  return `${Number((ms / unit).toPrecision(4))} ${name}`.replace("-", "−");
}

/** The time of day, or the day where a day begins; seconds where ticks are closer than a minute. */
function clockLabel(shownMs: number, distance: number, before: number | null): string {
  const date = new Date(shownMs);
  if (Number.isNaN(date.getTime())) return "";
  const text = date.toISOString();
  const newDay = before === null || Math.floor(shownMs / DAY) !== Math.floor(before / DAY);
  if (distance >= DAY) return text.slice(0, 10);
  const time = distance < SECOND ? text.slice(14, 23) : distance < MINUTE ? text.slice(11, 19) : text.slice(11, 16);
  return newDay ? `${text.slice(5, 10)} ${time}` : time;
}

/** The next number of the form 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [1, 2, 5, 10].find((one) => one * power >= value * (1 - 1e-9)) ?? 10;
  return exact(digit * power);
}

/** Without the noise of binary fractions. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
