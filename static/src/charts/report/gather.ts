// Asks the server for all that a report has.

import { diff, getRun, listRows, values } from "../../api/runs.ts";
import type { Diff, Values } from "../../api/runs.ts";
import type { Fork } from "../../lib/forks.ts";
import { whichOf } from "../../lib/metric_values.ts";
import { shareExperiments } from "../../state/experiments.ts";
import type { State } from "../../state/place.ts";
import type { ReportCard } from "./data.ts";

/** A run of a report, with the name that it has there. */
export interface ReportRun {
  id: string;
  name: string;
}

/** What is to be in a report. */
export interface ReportWish {
  title: string;
  runs: readonly ReportRun[];
  /** The ids of the experiments that the runs are of. */
  experiments: readonly string[];
  /** The run that others are compared with. */
  base: string | null;
  hidden: readonly string[];
  /** Those of the runs that are forks, by their ids. */
  forks: ReadonlyMap<string, Fork>;
  state: State;
  cards: readonly ReportCard[];
  /** How many cards had no room. */
  leftOut: number;
  /** Whether whole trainings are told. */
  joined: boolean;
  /** Whether facts are in UTC. */
  utc: boolean;
  /** The address of the page that it is made from, and when, epoch ms. */
  address: string;
  made: number;
}

/** Whose a run is, how it is, and when it started and ended, epoch ms. */
export interface RunFacts {
  experiment: string;
  status: string;
  user: string;
  started: number | null;
  ended: number | null;
}

export interface Gathered {
  facts: ReadonlyMap<string, RunFacts>;
  /** The runs of the tables; the first is the base. */
  columns: readonly ReportRun[];
  /** Null where there is one run only, whose params are told instead. */
  diff: Diff | null;
  params: readonly { key: string; value: string }[];
  values: Values;
}

/** Asks for what the tables have. Runs that are hidden are in none of them, but for the base. */
export async function gather({ runs, experiments, base, hidden, state, joined }: ReportWish): Promise<Gathered> {
  const first = runs.find(({ id }) => id === base);
  const others = runs.filter((run) => run !== first && !hidden.includes(run.id));
  const columns = first === undefined ? others : [first, ...others];
  const told = columns.map(({ id }) => id);
  const [only] = runs;
  const { step } = whichOf(state);
  const [facts, differences, params, found] = await Promise.all([
    factsOf(runs, experiments),
    told.length > 1 ? diff(told, state.all === "1") : null,
    runs.length === 1 && only ? getRun(only.id).then(({ data }) => data.params ?? []) : [],
    values(told, { ...(step !== undefined && { step }), ...(joined && { joined }) }),
  ]);
  return { facts, columns, diff: differences, params, values: found };
}

async function factsOf(runs: readonly ReportRun[], experiments: readonly string[]): Promise<ReadonlyMap<string, RunFacts>> {
  const names = new Map((await shareExperiments()).map(({ experiment_id, name }) => [experiment_id, name]));
  const { rows } = await listRows({
    experiment_ids: experiments,
    filter: `attributes.run_id IN (${runs.map(({ id }) => `'${id}'`).join(", ")})`,
    columns: ["attributes.status", "attributes.user_id", "attributes.start_time", "attributes.end_time"],
    run_view_type: "ALL",
    limit: runs.length,
  });
  const time = (value: unknown): number | null => (typeof value === "number" ? value : null);
  return new Map(rows.map(([run, experiment, , status, user, started, ended]) => [String(run), { experiment: names.get(String(experiment)) ?? String(experiment), status: String(status), user: String(user ?? ""), started: time(started), ended: time(ended) }]));
}
