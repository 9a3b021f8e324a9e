import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getRun, listKeys } from "../api/runs.ts";
import type { Fork } from "../lib/forks.ts";
import { Answered, Empty } from "../parts/states.tsx";
import { useAsk } from "../state/ask.ts";
import { useChanges } from "../state/live.ts";
import type { DrawnRun } from "./scene.ts";
import type { XChoice } from "./settings.ts";

export type { DrawnRun } from "./scene.ts";

export interface RunChartsProps {
  runs: readonly DrawnRun[];
  /** The ids of the experiments that the runs are of; none means all. */
  experiments: readonly string[];
  /** The run that is pointed at, here or elsewhere on the screen. */
  hovered: Signal<string | null>;
  /** The ids of runs that are not drawn. */
  hidden: readonly string[];
  /** Hides a run, or shows it again. */
  onHide: (run: string) => void;
  /** The metrics to be shown; without it all that the runs have. */
  metrics?: readonly string[];
  /** Only metrics of the model, or only those that are named `system/…`. */
  kind?: "model" | "system";
  /** Those of the runs that are forks; without it that is asked for. */
  forks?: ReadonlyMap<string, Fork>;
  /** What x is where the address does not say it. */
  standardX?: XChoice;
  /** Where the curves can be saved as a report: its title, and the run that others are compared with. */
  report?: { title: string; base: string | null };
}

/** A metric, and how many runs have it. */
export interface MetricName {
  key: string;
  runs: number;
}

/** As many names as the server tells at once. */
const MOST_NAMES = 1_000;

/**
 * Cards with the curves of some runs (design: section 7). What draws them is a part of the page that is loaded when it is needed
 * first, while the names of the metrics are asked for.
 */
export function RunCharts(props: RunChartsProps): JSX.Element {
  const { runs, experiments, metrics, kind } = props;
  const [version, setVersion] = useState(0);
  const drawer = useAsk("charts", () => import("./cards.tsx"));
  const only = runs.length === 1 ? runs[0]?.id : undefined;
  const key = metrics !== undefined || runs.length === 0 ? null : (only ?? `of ${experiments.join()}`);
  const names = useAsk(key, (signal) => (only === undefined ? namesOfMany(experiments, signal) : namesOfOne(only, signal)));
  useChanges(experiments, ({ reset, runs: changed }) => {
    if (!reset && !changed.some(({ run_id, kinds }) => kinds.includes("points") && runs.some(({ id }) => id === run_id))) return;
    setVersion((before) => before + 1);
    names.again();
  });
  if (runs.length === 0) return <Empty title="No run is drawn." />;
  const known = metrics === undefined ? names : { ...names, answer: metrics.map((name) => ({ key: name, runs: runs.length })) };
  return (
    <Answered asked={drawer} what="The charts" lines={8}>
      {({ Cards }) => (
        <Answered asked={known} what="The metrics" lines={8}>
          {(all) => (
            <>
              <Cards {...props} names={all.filter((name) => isOf(name, kind))} version={version} />
              {all.length >= MOST_NAMES && <p class="hint">Only the first {MOST_NAMES} metrics are here.</p>}
            </>
          )}
        </Answered>
      )}
    </Answered>
  );
}

function isOf({ key }: MetricName, kind: RunChartsProps["kind"]): boolean {
  return kind === undefined || key.startsWith("system/") === (kind === "system");
}

async function namesOfOne(run: string, signal: AbortSignal): Promise<readonly MetricName[]> {
  return ((await getRun(run, signal)).data.metrics ?? []).map(({ key }) => ({ key, runs: 1 }));
}

function namesOfMany(experiments: readonly string[], signal: AbortSignal): Promise<readonly MetricName[]> {
  return listKeys("metric", experiments, "", MOST_NAMES, signal);
}
