// Which columns the table has, and how wide they are: as the address says, else as they were left in this browser, else by
// what there is.

import type { Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { diff, listKeys, listRows } from "../../api/runs.ts";
import { pinsOf } from "../../charts/pins.ts";
import { isTextMap, kept } from "../../state/kept.ts";
import { useAsk } from "../../state/ask.ts";
import { change, place } from "../../state/router.ts";
import { LIVE_COLUMNS, defaultColumns, tellingParams } from "./defaults.ts";
import { usableWidth } from "./head.tsx";
import { KEY_LIMIT } from "./keys.ts";
import { readColumns, widthOf, writeColumns } from "./columns.ts";
import type { Column } from "./columns.ts";

/** Runs among which params are compared to find those that differ. */
const COMPARED = 30;
/** With fewer rows than this, runs below them are compared too. */
const FEW_ROWS = 5;

/** What the choice for what runs now is remembered for. */
export const LIVE = "live";

type Habits = Readonly<Record<string, string>>;

/** What was left in this browser, by experiment. */
const habits = new Map<string, Signal<Habits>>();

function habitsOf(name: string): Signal<Habits> {
  let found = habits.get(name);
  if (found === undefined) habits.set(name, (found = kept<Habits>(`runs.${name}`, {}, isTextMap)));
  return found;
}

async function latestRuns(experiments: readonly string[], signal: AbortSignal): Promise<string[]> {
  return (await listRows({ experiment_ids: experiments, columns: [], limit: COMPARED }, signal)).rows.map(([run]) => String(run));
}

export interface ColumnChoice {
  columns: readonly Column[];
  widths: readonly number[];
  /** How many columns stay in sight when the table is scrolled sideways, beside the name. */
  frozen: number;
  choose: (columns: readonly Column[]) => void;
  reset: () => void;
  resize: (column: Column, width: number | null) => void;
  freeze: (count: number) => void;
  /** Looks again for what there was nothing of to make columns of. */
  again: () => void;
}

/**
 * @param experiments null while it is not known which.
 * @param name what the choice is remembered for.
 * @param runs the runs that are seen first, once they are known.
 */
export function useColumns(experiments: readonly string[] | null, name: string, runs: readonly string[] | null): ColumnChoice {
  const habit = habitsOf(name);
  const chosen = place.value.state.cols ?? habit.value["cols"];
  const several = experiments === null ? name === "" : experiments.length !== 1;
  const scope = experiments?.join() ?? null;

  const metrics = useAsk(scope, (signal) => listKeys("metric", experiments ?? [], "", KEY_LIMIT, signal));
  // Only once: columns that change with every search would make nothing easier to find.
  const compared = chosen === undefined && name !== LIVE && runs !== null && scope !== null ? scope : null;
  const params = useAsk(compared, async (signal) => {
    // A few rows may have many runs below them, which a sweep differs in.
    const some = (runs ?? []).length >= FEW_ROWS ? (runs ?? []) : await latestRuns(experiments ?? [], signal);
    return some.length > 1 ? diff(some.slice(0, COMPARED), false, ["param"], signal) : null;
  });

  const pinned = pinsOf(experiments ?? []).pinned.join();
  const columns = useMemo(
    () =>
      chosen === undefined && name === LIVE
        ? LIVE_COLUMNS
        : chosen === undefined
        ? defaultColumns({
            several,
            metrics: metrics.answer ?? [],
            pinned: pinned.split(","),
            params: params.answer ? tellingParams(params.answer) : [],
          })
        : readColumns(chosen),
    [chosen, name, several, metrics.answer, params.answer, pinned],
  );
  const widths = useMemo(() => columns.map((column) => usableWidth(Number(habit.value[`width ${column.id}`] ?? widthOf(column)))), [columns, habit.value]);

  const remember = (id: string, value: string | undefined): void => {
    const { [id]: _, ...rest } = habit.peek();
    habit.value = value === undefined ? rest : { ...rest, [id]: value };
  };
  const again = (): void => {
    if (metrics.answer?.length === 0) metrics.again();
    if (compared !== null && !params.waiting && !params.answer?.rows.length) params.again();
  };
  return {
    columns,
    widths,
    frozen: Math.min(columns.length - 1, Math.max(0, Math.trunc(Number(habit.value["frozen"] ?? 0)) || 0)),
    choose: (next) => {
      const text = writeColumns(next);
      remember("cols", text);
      change({ cols: text }, "replace");
    },
    reset: () => {
      remember("cols", undefined);
      change({ cols: undefined }, "replace");
    },
    resize: (column, width) => remember(`width ${column.id}`, width === null ? undefined : String(usableWidth(width))),
    freeze: (count) => remember("frozen", count === 0 ? undefined : String(count)),
    again,
  };
}
