import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RunSearch } from "../../api/runs.ts";
import type { Changes } from "../../state/live.ts";
import { TableData } from "./table_data.ts";
import type { Row } from "./tree.ts";

/** The table that is shown, and whether it is that of an earlier search: it stays until the first rows of the next are there. */
export interface ShownTable {
  /** Undefined before anything was asked. */
  data: TableData | undefined;
  stale: boolean;
  /** The table of the present search, whether or not it is shown yet. */
  next: TableData | undefined;
  /** Asks again for what is seen, and for what failed. */
  refresh: () => void;
}

/** The table of a search, which changes with it. Null asks nothing. */
export function useTable(search: RunSearch | null, flat: boolean): ShownTable {
  const [tables, setTables] = useState<{ shown?: TableData; next?: TableData }>({});
  const live = useRef(new Set<TableData>());
  const latest = useRef<TableData>(undefined);
  const key = search && JSON.stringify([search, flat]);

  const askFirst = async (next: TableData): Promise<void> => {
    await next.need([], []);
    // An empty table that is asked again may answer when there is another search already.
    if (next.counts === undefined || latest.current !== next) return;
    for (const table of live.current) if (table !== next) close(table, live.current);
    setTables({ next, shown: next });
  };
  // As in `useAsk`: before the page is painted.
  useLayoutEffect(() => {
    if (search === null) return;
    const next = new TableData(search, flat);
    live.current.add(next);
    latest.current = next;
    setTables(({ shown }) => ({ next, shown: shown ?? next }));
    void askFirst(next);
    // A table that never became the one that is shown is not waited for any more.
    return () => {
      if (next.counts === undefined) close(next, live.current);
    };
  }, [key]);
  useEffect(() => () => live.current.forEach((table) => close(table, live.current)), []);

  const { shown, next } = tables;
  const refresh = (): void => {
    next?.refresh();
    // Where there are no rows nobody sees any, and so nobody asks for them.
    if (next && !next.counts?.rows) void askFirst(next);
  };
  return { data: shown, stale: shown !== next, next, refresh };
}

function close(table: TableData, live: Set<TableData>): void {
  table.close();
  live.delete(table);
}

/** Whether a change may be seen in a table of which these rows are on the screen. */
export function matters(changes: Changes, search: RunSearch, rows: readonly Row[]): boolean {
  // New points and params move rows only where these are what is searched for or sorted by.
  const byValues = /\b(metrics?|param(eter)?s?)\b/.test([search.filter ?? "", ...(search.order_by ?? [])].join(" "));
  const seen = new Set(rows.map(({ run }) => run));
  return changes.reset || changes.runs.some(({ run_id, kinds }) => byValues || kinds.includes("info") || seen.has(run_id));
}
