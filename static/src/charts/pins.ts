// Metrics that are kept on top, by experiment.

import { isTextMap, kept } from "../state/kept.ts";

/** Names of metrics, separated by commas, which they cannot have. */
const pins = kept<Readonly<Record<string, string>>>("charts.pins", {}, isTextMap);

/** The metrics that somebody keeps on top where the runs of these experiments are shown, and a way to change that. */
export function pinsOf(experiments: readonly string[]): { pinned: readonly string[]; toggle: (metric: string) => void } {
  const key = [...experiments].sort().join();
  const pinned = (pins.value[key] ?? "").split(",").filter((name) => name !== "");
  const toggle = (metric: string): void => {
    const next = pinned.includes(metric) ? pinned.filter((one) => one !== metric) : [...pinned, metric];
    const { [key]: _, ...others } = pins.value;
    pins.value = next.length === 0 ? others : { ...others, [key]: next.join(",") };
  };
  return { pinned, toggle };
}
