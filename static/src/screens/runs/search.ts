// What the state of the screen means to the server. Pure.

import type { RunSearch } from "../../api/runs.ts";
import { clauses, equality, meaning, plainWords, quoted, withClause, withoutClauses } from "../../lib/filter.ts";
import type { State } from "../../state/place.ts";
import { orderBy, readSort } from "./columns.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Times that the table can be limited to: as in an address, and in words. */
export const SPANS = [
  ["1d", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
  ["90d", "Last 90 days"],
] as const;

/** The length of `7d`, `12h` in ms; null for anything else. */
export function spanMs(text: string | undefined): number | null {
  const [, figure, unit] = /^(\d{1,4})([hd])$/.exec(text ?? "") ?? [];
  return figure === undefined ? null : Number(figure) * (unit === "h" ? HOUR_MS : DAY_MS);
}

/** The search that the state of the screen stands for. `now` in ms. */
export function searchOf(experiments: readonly string[], state: State, now: number): RunSearch {
  const span = spanMs(state.from);
  const filter = meaning(state.q ?? "");
  const order = orderBy(readSort(state.sort));
  return {
    experiment_ids: experiments,
    filter: span === null ? filter : withClause(filter, `attributes.start_time >= ${now - span}`),
    ...(order.length > 0 && { order_by: order }),
    run_view_type: state.state === "deleted" ? "DELETED_ONLY" : "ACTIVE_ONLY",
  };
}

/** Whether less than all is shown. */
export function isFiltered(state: State): boolean {
  return meaning(state.q ?? "") !== "" || spanMs(state.from) !== null;
}

/** The value that the search line demands of a field, by `=` or with `not` by `!=`; null for none. */
export function demanded(q: string, field: string): { not: boolean; value: string } | null {
  for (const { text } of clauses(q)) {
    const found = equality(text);
    if (found?.field === field) return found;
  }
  return null;
}

/** As many characters as the server tells of a value; what it cut would match nothing. */
const TOLD = 200;

/** Whether a filter can demand a value that the server told: one that is whole, and that quotes can hold. */
export function canBeDemanded(value: string): boolean {
  return value.length <= TOLD && quoted(value) !== null;
}

/** The search line with this value demanded of a field instead of what it demands now; null demands none. */
export function demanding(q: string, field: string, value: string | null, not = false): string {
  const rest = withoutClauses(plainWords(q) === null ? q : meaning(q), (clause) => equality(clause)?.field === field);
  const text = value === null ? null : quoted(value);
  return text === null ? rest : withClause(rest, `${field} ${not ? "!=" : "="} ${text}`);
}

/** The search line with one more clause; plain words become clauses first. */
export function alsoDemanding(q: string, clause: string): string {
  return withClause(plainWords(q) === null ? q : meaning(q), clause);
}
