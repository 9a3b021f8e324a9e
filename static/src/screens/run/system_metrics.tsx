import type { JSX } from "preact";
import type { Run } from "../../api/runs.ts";
import { RunMetrics } from "./metrics.tsx";

/** The curves of the machine that the run was on (design: 6.3). */
export function SystemMetricsTab({ run }: { run: Run }): JSX.Element {
  return <RunMetrics run={run} kind="system" />;
}
