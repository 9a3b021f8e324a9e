import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { Empty } from "../parts/states.tsx";

/** A run that is drawn. With its experiment its name can be a link. */
export interface DrawnRun {
  id: string;
  name: string;
  experiment?: string;
}

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
}

/** Cards with the curves of some runs (design: section 7). */
export function RunCharts({ runs }: RunChartsProps): JSX.Element {
  return <Empty title={`Curves of ${runs.length} runs`} />;
}
