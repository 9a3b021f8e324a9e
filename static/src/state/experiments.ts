// The experiments that exist, for all that names or lists them.

import { computed, signal } from "@preact/signals";
import { listExperiments } from "../api/experiments.ts";
import type { Experiment } from "../api/experiments.ts";

/** All of them as they were told last, those in the trash too; undefined until then. */
const known = signal<readonly Experiment[] | undefined>(undefined);

/** The active experiments as they were told last; undefined until then. */
export const experiments = computed(() => known.value?.filter(isActive));

let underway: Promise<readonly Experiment[]> | undefined;

export function isActive({ lifecycle_stage }: Experiment): boolean {
  return lifecycle_stage === "active";
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
