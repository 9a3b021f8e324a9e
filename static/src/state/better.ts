// What is better of a metric, in this browser.

import { betterByName } from "../lib/better.ts";
import type { Better } from "../lib/better.ts";
import { isTextMap, kept } from "./kept.ts";

/** What somebody said is better of a metric, where its name does not say it or says it wrong. */
const said = kept<Readonly<Record<string, string>>>("better", {}, isTextMap);

export function betterOf(metric: string): Better {
  const own = said.value[metric];
  return own === "min" || own === "max" || own === "none" ? own : betterByName(metric);
}

export function sayBetter(metric: string, better: Better): void {
  said.value = { ...said.value, [metric]: better };
}
