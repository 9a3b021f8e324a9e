// How far a run is, and whether it still says something. Pure: the present time comes in as an argument.

import type { Progress } from "../api/runs.ts";

/** A run that logs rarely is not silent because of that: so many of its usual gaps, and at least this long, ms. */
const SILENT_GAPS = 5;
const SILENT_AT_LEAST_MS = 120_000;

/** How long a run that should be running has logged nothing, ms; null while that is no longer than usual. */
export function silence(status: string, progress: Progress | null | undefined, nowMs: number): number | null {
  if (status !== "RUNNING" || !progress) return null;
  const since = nowMs - progress.last_point_time;
  return since > Math.max(SILENT_GAPS * (progress.usual_gap ?? 0), SILENT_AT_LEAST_MS) ? since : null;
}

/** The share that is done, 0 to 1; null where no maximum is known. */
export function share(progress: Progress | null | undefined): number | null {
  if (!progress || progress.max_steps === null || progress.max_steps <= 0) return null;
  return Math.min(1, Math.max(0, progress.last_step / progress.max_steps));
}

/**
 * When the last step will be reached if the run goes on as it went since its start, epoch ms; null where that is not known.
 *
 * @param firstStep where it began: a resumed run does not begin at 0.
 */
export function estimatedEnd(progress: Progress | null | undefined, startMs: number | null | undefined, firstStep: number): number | null {
  if (!progress || progress.max_steps === null || startMs === null || startMs === undefined) return null;
  const steps = progress.last_step - firstStep;
  const spent = progress.last_point_time - startMs;
  if (steps <= 0 || spent <= 0 || progress.last_step >= progress.max_steps) return null;
  return progress.last_point_time + ((progress.max_steps - progress.last_step) * spent) / steps;
}
