// Which columns a table has before anybody chose some. Pure.

import type { Cell, Diff, Key } from "../../api/runs.ts";
import { principalMetrics } from "../../charts/principal.ts";
import { keyed, own } from "./columns.ts";
import type { Column } from "./columns.ts";

/** As many params as are shown without being asked for. */
const MOST_PARAMS = 4;

/** Params that say which run this is, not how it was made. */
const IDENTITY = /(^|[._/])(run_?id|fork_run_id|run_name|id|uuid|name|paths?|dirs?|root|host|hostname|user|username|time|date|timestamp|commit|sha|version|job_?id|port|url|uri)([._/]|$)/i;

/** The params that differ among the runs of a diff, the most telling first. */
export function tellingParams(diff: Pick<Diff, "rows">): string[] {
  const score = (key: string, values: readonly Cell[]): number => {
    const present = values.filter((value) => value !== null).map(String);
    const different = new Set(present).size;
    // What every run has another value of names the run; what has one value, where it is there at all, says little.
    const isName = different === present.length && present.length > 4 && !present.every(isNumber);
    const isLong = present.some((value) => value.length > 40);
    return (IDENTITY.test(key) ? 8 : 0) + (isName ? 4 : 0) + (isLong ? 2 : 0) + (different < 2 ? 4 : 0) + (1 - present.length / values.length);
  };
  const depth = (key: string): number => key.split(".").length;
  const ranked = diff.rows
    .filter(({ kind }) => kind === "param")
    .map(({ key, values }) => ({ key, score: score(key, values), sameness: JSON.stringify(values) }))
    .filter(({ score }) => score < 4)
    .sort((one, other) => one.score - other.score || depth(one.key) - depth(other.key));
  // A configuration repeats its values in many places: of params that go together one says it all.
  const chosen = new Map([...ranked].reverse().map((param) => [param.sameness, param.key]));
  return ranked
    .map(({ key }) => key)
    .filter((key) => [...chosen.values()].includes(key))
    .slice(0, MOST_PARAMS);
}

/** The columns of what runs now, where nobody has chosen others. */
export const LIVE_COLUMNS = (["name", "status", "experiment", "steps", "rate", "seen", "loss", "ends", "user"] as const).map(own);

/** The columns of a table that nobody has chosen. */
export function defaultColumns(facts: {
  several: boolean;
  metrics: readonly Pick<Key, "key" | "runs">[];
  pinned: readonly string[];
  params: readonly string[];
}): Column[] {
  return [
    own("name"),
    own("status"),
    ...(facts.several ? [own("experiment")] : []),
    own("started"),
    own("duration"),
    own("user"),
    ...principalMetrics(facts.metrics, facts.pinned).map((key) => keyed("metric", key)),
    ...facts.params.map((key) => keyed("param", key)),
    own("note"),
  ].filter((column) => column !== null);
}

function isNumber(value: string): boolean {
  return value.trim() !== "" && Number.isFinite(Number(value));
}
