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

/** The same where there is little room. */
export function shortX(x: number, kind: XKind, utc: boolean): string {
  if (kind === "step") return whole(x);
  if (kind === "relative") return duration(x);
  return kind === "wall" ? clockTime(x, utc) : number(x);
}
