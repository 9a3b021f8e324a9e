// How far a run is, and whether it still says something. Pure: the present time comes in as an argument.

import type { Live, Progress } from "../api/runs.ts";
import { duration, whole } from "./format.ts";

const HOUR_MS = 3_600_000;
/** Beyond this there are no dates. */
const LAST_DATE_MS = 8.64e15;
/** A run that logs rarely is not silent because of that: so many of its usual gaps, and at least this long, ms. */
const SILENT_GAPS = 5;
const SILENT_AT_LEAST_MS = 120_000;
/** A loss that is above its best by this is no noise. */
const UP = 1.3;

/** How long a run that should be running has logged nothing, ms; null while that is no longer than usual. */
export function silence(status: string, progress: Progress | null | undefined, nowMs: number): number | null {
  if (status !== "RUNNING" || !progress) return null;
  const since = nowMs - progress.last_point_time;
  return since > Math.max(SILENT_GAPS * (progress.usual_gap ?? 0), SILENT_AT_LEAST_MS) ? since : null;
}

/** What should be looked at in a run that is at work, the worst first: `NaN since step 4,200`, `loss up 30 % from its best`, `silent for 35 min`. */
export function marks(status: string, progress: Progress | null | undefined, live: Live | null | undefined, nowMs: number): readonly string[] {
  const silent = silence(status, progress, nowMs);
  const quiet = silent === null ? [] : [`silent for ${silent < HOUR_MS ? `${Math.floor(silent / 60_000)} min` : duration(silent)}`];
  const loss = status === "RUNNING" ? live?.loss : null;
  if (!loss) return quiet;
  const { last, last_step, best, best_step, nan_since: nan } = loss;
  if (nan !== null) return [`NaN since step ${whole(nan)}`, ...quiet];
  const isUp = typeof last === "number" && best !== null && best > 0 && last > UP * best && best_step !== null && best_step < last_step;
  return isUp ? [`loss up ${whole(Math.round((last / best - 1) * 100))} % from its best`, ...quiet] : quiet;
}

/** The share that is done, 0 to 1; null where no maximum is known. */
export function share(progress: Progress | null | undefined): number | null {
  if (!progress || progress.max_steps === null || progress.max_steps <= 0) return null;
  return Math.min(1, Math.max(0, progress.last_step / progress.max_steps));
}

/** When the last step will be reached if the run goes on as it went lately, epoch ms; null where that is not known. */
export function endAtRate(progress: Progress | null | undefined, live: Live | null | undefined): number | null {
  const rate = live?.steps_per_second ?? 0;
  if (!progress || progress.max_steps === null || rate <= 0 || progress.last_step >= progress.max_steps) return null;
  const ends = progress.last_point_time + ((progress.max_steps - progress.last_step) / rate) * 1_000;
  return ends <= LAST_DATE_MS ? ends : null;
}

/** An end that may still come: of a run that is silent, one that has passed is no estimate any more. */
export function stillToCome(ends: number | null, isSilent: boolean, nowMs: number): number | null {
  return ends !== null && isSilent && ends <= nowMs ? null : ends;
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
