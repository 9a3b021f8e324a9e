// What the run screen knows of its run, kept up to date while somebody looks.

import { useEffect, useState } from "preact/hooks";
import { getRun, lineage, listRows } from "../../api/runs.ts";
import type { Lineage, Live, Progress, Run } from "../../api/runs.ts";
import { family } from "../../lib/family.ts";
import type { Family } from "../../lib/family.ts";
import { useAsk } from "../../state/ask.ts";
import type { Asked } from "../../state/ask.ts";
import { useChanges } from "../../state/live.ts";
import { mayChange } from "../../state/session.ts";

export interface RunData {
  run: Asked<Run>;
  lineage: Asked<Lineage>;
  family: Family | undefined;
  progress: Progress | null;
  live: Live | null;
  /** Grows with each change of its points. */
  points: number;
  /** Asks for everything that this page may have changed. */
  again: () => void;
}

/** All of a run that the head of its page needs. Asked at once, so that nothing waits for something else. */
export function useRun(experiment: string, id: string): RunData {
  const run = useAsk(id, (signal) => getRun(id, signal));
  const relatives = useAsk(id, (signal) => lineage(id, signal));
  const progress = useAsk(id, (signal) => askProgress(experiment, id, signal));
  const [points, setPoints] = useState(0);
  const again = (): void => {
    run.again();
    relatives.again();
  };
  useChanges([experiment], ({ reset, runs }) => {
    const kinds = runs.find((change) => change.run_id === id)?.kinds ?? [];
    // Also for its points: with them it may have metrics that it had not.
    if (reset || kinds.length > 0) run.again();
    if (reset || runs.some((change) => change.kinds.includes("info"))) relatives.again();
    if (reset || kinds.length > 0) progress.again();
    if (reset || kinds.includes("points")) setPoints((before) => before + 1);
  });
  const known = relatives.answer;
  return {
    run,
    lineage: relatives,
    family: known && family(known, id),
    progress: progress.answer?.progress ?? null,
    live: progress.answer?.live ?? null,
    points,
    again,
  };
}

/** Whether its name, note and tags can be changed, and whether it can be deleted. */
export function mayEdit(run: Run): boolean {
  return mayChange.value && run.info.lifecycle_stage === "active";
}

/** Asks again when `round` grows; what was answered before stays until then. */
export function useAgain(asked: Asked<unknown>, round: number): void {
  useEffect(() => {
    if (round > 0) asked.again();
  }, [round]);
}

async function askProgress(experiment: string, id: string, signal: AbortSignal): Promise<Pick<RunData, "progress" | "live">> {
  // Ids have no quotes: see `state/place.ts`.
  const filter = `attributes.run_id = '${id}'`;
  const columns = ["attribute.status"];
  const request = { experiment_ids: [experiment], filter, run_view_type: "ALL", columns, limit: 1, progress: true, live: true } as const;
  const { progress, live } = await listRows(request, signal);
  return { progress: progress?.[0] ?? null, live: live?.[0] ?? null };
}
