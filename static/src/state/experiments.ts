// The experiments that exist, for all that names or lists them.

import { computed, signal } from "@preact/signals";
import { listExperiments } from "../api/experiments.ts";
import type { Experiment } from "../api/experiments.ts";
import { viewOf } from "./session.ts";

/** All of them as they were told last, those in the trash too; undefined until then. */
const known = signal<readonly Experiment[] | undefined>(undefined);

/** The experiments to choose from, as they were told last; undefined until then. */
export const experiments = computed(() => known.value?.filter(isListed));

let underway: Promise<readonly Experiment[]> | undefined;

export function isActive({ lifecycle_stage }: Experiment): boolean {
  return lifecycle_stage === "active";
}

/** Active, and in a view one that the store has runs of: every server makes a first experiment, of which the store may know nothing. */
export function isListed(experiment: Experiment): boolean {
  return isActive(experiment) && (viewOf.value === null || experiment.runs + experiment.deleted_runs > 0);
}

/** Asks for them, and keeps them for everybody. Those in the trash are among them. */
export function learnExperiments(): Promise<readonly Experiment[]> {
  const asked = listExperiments("ALL").then((told) => {
    if (underway === asked) known.value = told;
    return told;
  });
  underway = asked;
  void asked.catch(() => undefined).then(() => {
    if (underway === asked) underway = undefined;
  });
  return asked;
}

/** The same, by the question that is underway where there is one: all parts of a screen that appears ask once. */
export function shareExperiments(): Promise<readonly Experiment[]> {
  return underway ?? learnExperiments();
}
