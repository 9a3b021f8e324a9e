// How curves are drawn, as it stands in the address (design: "URLs"). Pure.

import type { State } from "../state/place.ts";
import { choiceFor } from "./choices.ts";
import type { ScaleWish } from "./range.ts";
import type { XKind } from "./ticks.ts";

/** `step`, `rel`, `wall`, `joined` or `metrics.NAME`. */
export type XChoice = string;

export const X_NAMES: readonly (readonly [choice: XChoice, name: string])[] = [
  ["step", "Step"],
  ["rel", "Time since start"],
  ["wall", "Wall time"],
  ["joined", "Whole training"],
];

/** What x is called, where it is this on its axis. */
export function xName(x: XChoice, axis: XKind): string {
  if (axis === "relative") return "Time since start";
  return X_NAMES.find(([choice]) => choice === x)?.[1] ?? x.replace(/^metrics\./, "");
}

/** What was chosen for all cards. */
export interface Settings {
  x: XChoice;
  /** 0 to 0.99. */
  smoothing: number;
  /** What of x is shown; null is all. */
  range: readonly [from: number, to: number] | null;
  /** Whether each run is drawn, however many there are. */
  each: boolean;
  /** Whether forks are drawn from the beginning of what they come from. */
  origin: boolean;
}

/** Reads what an address says; what means nothing is the default. */
export function settingsOf(state: State, x: XChoice): Settings {
  const smoothing = Number(state.sm ?? 0);
  const chosen = state.x ?? x;
  return {
    x: X_NAMES.some(([name]) => name === chosen) || /^metrics\../.test(chosen) ? chosen : x,
    smoothing: smoothing >= 0 && smoothing <= 0.99 ? smoothing : 0,
    range: limitsOf(state.range),
    each: state.each === "1",
    origin: state.origin === "1",
  };
}

/** What was chosen for the vertical axis of a card. */
export function scaleWish(state: State, card: string): ScaleWish {
  return {
    log: choiceFor(state.y, card) === "log",
    cut: choiceFor(state.out, card) !== "0",
    limits: limitsOf(choiceFor(state.yr, card)),
  };
}

/** The x at which the values of a card are pinned; null where they are not. */
export function pinOf(state: State, card: string): number | null {
  const value = Number(choiceFor(state.pin, card) ?? NaN);
  return Number.isFinite(value) ? value : null;
}

/** `1000:5000`; null where that is no range. */
export function limitsOf(text: string | undefined): readonly [number, number] | null {
  const ends = (text ?? "").split(":");
  const [from = NaN, to = NaN] = ends.map((end) => (end.trim() === "" ? NaN : Number(end)));
  return ends.length === 2 && Number.isFinite(from) && Number.isFinite(to) && from < to ? [from, to] : null;
}

/** A range as text; values that are no whole numbers with six digits, which is finer than anybody drags. */
export function limitsText(from: number, to: number, isWhole: boolean): string {
  const text = (value: number): string => String(isWhole ? Math.round(value) : Number(value.toPrecision(6)));
  return `${text(from)}:${text(to)}`;
}

/** Groups of metrics that are drawn together: `a+b,c+d`. */
export function combinedOf(text: string | undefined): readonly (readonly string[])[] {
  return (text ?? "").split(",").map((group) => group.split("+").filter((name) => name !== ""));
}

/** How the server is asked for x, and what x then is. Metrics of the machine have steps of their own, so their training is told by time. */
export function axisOf(x: XChoice, metric: string): { x: string; joined: boolean; kind: XKind } {
  if (x === "joined") return metric.startsWith("system/") ? { x: "relative", joined: true, kind: "relative" } : { x: "step", joined: true, kind: "step" };
  if (x === "rel") return { x: "relative", joined: false, kind: "relative" };
  if (x === "wall") return { x: "wall", joined: false, kind: "wall" };
  return { x, joined: false, kind: x.startsWith("metrics.") ? "metric" : "step" };
}
