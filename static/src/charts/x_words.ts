// An x in words. Pure.

import { clockTime, duration, fullMoment, number, whole } from "../lib/format.ts";
import type { XKind } from "./ticks.ts";

/** `step 1,200`, `2 h 10 min after the start`, a time with its seconds, or a metric's value. */
export function xWords(x: number, kind: XKind, utc: boolean): string {
  switch (kind) {
    case "step":
      return `step ${whole(x)}`;
    case "relative":
      return `${duration(x)} after the start`;
    case "wall":
      return `${fullMoment(x, utc)}`;
    case "metric":
      return number(x);
  }
}

/** The x of a value; of many points together it is the steps of all of them: `steps 61,500–61,624`. */
export function readX({ x, width }: { x: number; width: number }, kind: XKind, utc: boolean): string {
  if (kind !== "step") return xWords(x, kind, utc);
  const steps = stepsOf(x, width);
  return `step${steps.includes("–") ? "s" : ""} ${steps}`;
}

/** The same where there is little room. */
export function shortX({ x, width }: { x: number; width: number }, kind: XKind, utc: boolean): string {
  if (kind === "step") return stepsOf(x, width);
  if (kind === "relative") return duration(x);
  return kind === "wall" ? clockTime(x, utc) : number(x);
}

/** The whole steps of a bucket around its middle, which need not be a step itself. */
export function stepsOf(middle: number, width: number): string {
  const [first, last] = [Math.ceil(middle - width / 2), Math.ceil(middle + width / 2) - 1];
  return first < last ? `${whole(first)}–${whole(last)}` : whole(width > 0 ? first : middle);
}

/** An x that was pointed at: of steps it need not be one that was logged. */
export function aboutX(x: number, kind: XKind, utc: boolean): string {
  return `${kind === "step" ? "about " : ""}${xWords(x, kind, utc)}`;
}
