// The experiments that exist, for all that names or lists them.

import { signal } from "@preact/signals";
import { listExperiments } from "../api/experiments.ts";
import type { Experiment } from "../api/experiments.ts";

/** The active experiments as they were told last; undefined until then. */
export const experiments = signal<readonly Experiment[] | undefined>(undefined);

/** Asks for them, and keeps them for everybody. */
export async function learnExperiments(signal?: AbortSignal): Promise<readonly Experiment[]> {
  const known = await listExperiments("ACTIVE_ONLY", signal);
  experiments.value = known;
  return known;
}
