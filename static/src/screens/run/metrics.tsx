import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Run } from "../../api/runs.ts";
import { RunCharts } from "../../charts/run_charts.tsx";

/** The run's curves but for those of the machine (design: 6.3). */
export function MetricsTab({ run }: { run: Run }): JSX.Element {
  return <RunMetrics run={run} kind="model" />;
}

/** All metrics of one kind that a run has, as cards. */
export function RunMetrics({ run, kind }: { run: Run; kind: "model" | "system" }): JSX.Element {
  const hovered = useSignal<string | null>(null);
  const { run_id: id, run_name: name, experiment_id: experiment } = run.info;
  const metrics = (run.data.metrics ?? []).map(({ key }) => key);
  // Of the machine one wants to see how a whole training used it.
  const standardX = kind === "system" ? "joined" : "step";
  const title = name ?? id;
  return (
    <RunCharts
      runs={[{ id, name: title, experiment }]}
      experiments={[experiment]}
      hovered={hovered}
      hidden={[]}
      onHide={() => undefined}
      metrics={metrics}
      kind={kind}
      standardX={standardX}
      report={{ title, base: null }}
    />
  );
}
