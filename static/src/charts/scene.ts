// What all cards of a screen have in common.

import type { Signal } from "@preact/signals";
import { inks } from "../lib/colours.ts";
import type { Ink } from "../lib/colours.ts";
import type { Fork } from "../lib/forks.ts";
import type { Part } from "./origin.ts";
import type { Card } from "./sections.ts";
import type { Settings } from "./settings.ts";

/** A run that is drawn. With its experiment its name can be a link. */
export interface DrawnRun {
  id: string;
  name: string;
  experiment?: string;
}

export interface Scene {
  /** All runs, those that are hidden too. */
  runs: readonly DrawnRun[];
  /** The ids of the runs whose curves are asked for; what is hidden may still be among them. */
  asked: readonly string[];
  hidden: ReadonlySet<string>;
  /** The run that is pointed at. */
  hovered: Signal<string | null>;
  settings: Settings;
  /** Those of the runs that are forks, by their ids. */
  forks: ReadonlyMap<string, Fork>;
  /** What is drawn of what they come from. */
  parts: readonly Part[];
  /** Grows when there may be new points. */
  version: number;
  /** At most so many values are asked for of each curve: one for each pixel. */
  buckets: number;
  /** All metrics, to be drawn together with others. */
  metrics: readonly string[];
  /** Metrics that are kept on top; null where cards cannot be chosen. */
  pins: { pinned: readonly string[]; toggle: (metric: string) => void } | null;
}

/** More runs than this are drawn as their mean, unless each was asked for. */
export const MOST_LINES = 20;

/** Whether the runs are drawn as their mean and the band that they fill. */
export function isMean({ runs, hidden, settings }: Scene): boolean {
  return !settings.each && runs.filter(({ id }) => !hidden.has(id)).length > MOST_LINES;
}

/** The name of a run, "" being all of them. */
export function runName({ runs, hidden, parts }: Scene, run: string): string {
  if (run === "") return `mean of ${runs.filter(({ id }) => !hidden.has(id)).length} runs`;
  const name = runs.find(({ id }) => id === run)?.name;
  if (name !== undefined) return name;
  const part = parts.find((one) => one.run === run);
  return part === undefined ? run : `${part.name === "" ? run.slice(0, 8) : part.name} (origin)`;
}

/** What a line of a card is called: by its run, its metric, or both. */
export function labelOf({ run, metric }: { run: string; metric: string }, scene: Scene, card: Card): string {
  if (card.metrics.length === 1) return runName(scene, run);
  return scene.runs.length === 1 && scene.runs[0]?.id === run ? metric : `${runName(scene, run)} · ${metric}`;
}

/** Dashes of metrics that share a drawing with others of the same run. */
const METRIC_DASHES: readonly (readonly number[])[] = [[], [8, 3], [2, 3], [8, 3, 2, 3]];

/** How lines are drawn: by their run, or where there is one run by their metric. */
export function inkFor({ runs, parts }: Scene, metrics: readonly string[]): (run: string, metric: string) => Ink {
  const ids = runs.map(({ id }) => id);
  const byRun = new Map(inks([...new Set([...ids, ...parts.map(({ root }) => root)])]));
  for (const { run, root } of parts) if (!ids.includes(run)) byRun.set(run, byRun.get(root) ?? { hue: 0, dash: [] });
  if (metrics.length === 1) return (run) => byRun.get(run) ?? { hue: 0, dash: [] };
  const byMetric = inks(metrics);
  return (run, metric) => {
    if ((runs.length === 1 && run === ids[0]) || run === "") return byMetric.get(metric) ?? { hue: 0, dash: [] };
    return { hue: byRun.get(run)?.hue ?? 0, dash: METRIC_DASHES[metrics.indexOf(metric) % METRIC_DASHES.length] ?? [] };
  };
}
