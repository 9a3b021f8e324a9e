// Which of the differences between runs say what was changed. Pure.

import type { Cell, DiffKind } from "../api/runs.ts";

interface Differing {
  kind: DiffKind;
  key: string;
  values: readonly Cell[];
}

/** Tags that tools set by themselves. */
const OF_TOOLS = /^(mlflow\.(?!source\.git\.commit)|resumedRun$|forkedRun|slurm|metadata\.)/i;
/** Names of what says which run it is: `training.run_id`, `fork_run_id`. */
const OF_IDS = /(^|[._])(run_?id|experiment_?id|uuid)$/i;

/**
 * The same with what people set before what is another one in every run: params, then tags, then attributes, such as times, and
 * last what tools wrote and the ids of runs.
 */
export function configuredFirst<Row extends Differing>(rows: readonly Row[]): readonly Row[] {
  const ranks: Readonly<Record<DiffKind, number>> = { param: 0, tag: 1, attribute: 2 };
  const rank = ({ kind, key }: Row): number => ranks[kind] + (OF_IDS.test(key) || (kind === "tag" && OF_TOOLS.test(key)) ? 3 : 0);
  return [...rows].sort((one, other) => rank(one) - rank(other));
}
