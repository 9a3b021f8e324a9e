import type { JSX } from "preact";
import type { DrawnRun } from "./run_charts.tsx";

/** One metric of some runs, without controls; `height` in pixels. */
export function Curve({ runs, metric, height }: { runs: readonly DrawnRun[]; metric: string; height: number }): JSX.Element {
  return <figure style={{ height }}>{`${metric} of ${runs.length} runs`}</figure>;
}
