import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Related } from "../../charts/related.tsx";
import { useKeys } from "../../frame/keys.ts";
import type { Shortcuts } from "../../frame/keys.ts";
import { inks } from "../../lib/colours.ts";
import { counted } from "../../lib/format.ts";
import { Crumbs } from "../../parts/crumbs.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { Empty, Skeleton, Trouble } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { isActive, shareExperiments } from "../../state/experiments.ts";
import { useChanges } from "../../state/live.ts";
import { isNarrow } from "../../state/narrow.ts";
import { address, isLive, runRoute } from "../../state/place.ts";
import { change, go, place } from "../../state/router.ts";
import { useTitle } from "../../state/title.ts";
import { Bulk } from "./bulk.tsx";
import { cellText } from "./cells.tsx";
import type { CellContext } from "./cells.tsx";
import { ChartsSide, DRAWN, MOST_DRAWN, drawnRuns, drawnSlots } from "./charts_side.tsx";
import { Chips } from "./chips.tsx";
import { cardColumns, fieldsOf, keyed, moved, nextSort, readSort, writeSort } from "./columns.ts";
import type { Column } from "./columns.ts";
import { Curves } from "./curves.ts";
import { NoRuns } from "./empty.tsx";
import type { ColumnActions } from "./head.tsx";
import { needLosses } from "./live_cells.tsx";
import { alsoDemanding, isFiltered, searchOf } from "./search.ts";
import { SearchLine } from "./search_line.tsx";
import { countOf, isPicked } from "./selection.ts";
import type { Drawn } from "./row.tsx";
import { Split } from "./split.tsx";
import { RunTable } from "./table.tsx";
import type { RowActions, TableHandle } from "./table.tsx";
import { SHOWS, Toolbar } from "./toolbar.tsx";
import { Outline, TOP } from "./tree.ts";
import type { Row } from "./tree.ts";
import { LIVE, useColumns } from "./use_columns.ts";
import { useDeeds } from "./use_deeds.tsx";
import { usePicked } from "./use_picked.ts";
import { matters, useTable } from "./use_table.ts";

const Groups = lazy("The groups", async () => (await import("./groups/groups.tsx")).Groups);

const MINUTE_MS = 60_000;

/** What `grid_keys.ts` does where a row has the focus, for the list of shortcuts. */
const GRID_KEYS: Shortcuts = {
  Enter: { name: "Open the run of the row", run: () => undefined, isLocal: true },
  " ": { name: "Select the row", run: () => undefined, isLocal: true },
  ArrowRight: { name: "Show what is below the row", run: () => undefined, isLocal: true },
  ArrowLeft: { name: "Hide what is below the row", run: () => undefined, isLocal: true },
};

/** The runs of some experiments, or of all where none is named (design: 6.2). */
export function Runs({ experiments: named }: { experiments: readonly string[] }): JSX.Element {
  const { state } = place.value;
  const scope = useScope(named);
  const { experiments, names } = scope;
  const flat = state.flat === "1";
  const trash = state.state === "deleted";
  const show = (state.group === undefined && SHOWS.find((one) => one === state.show)) || "table";
  const hasCurves = show === "charts" || show === "both";
  const filtered = isFiltered(state);
  // To the minute, and once: a search that moves on by itself would be another one with every look.
  const now = useMemo(() => Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS, [state.from]);
  const search = useMemo(
    () => (experiments === null ? null : searchOf(experiments, state, now)),
    [experiments, state.q, state.from, state.sort, state.state, now],
  );
  const { data, stale, next, refresh } = useTable(search, flat);
  const version = data?.version.value ?? 0;
  const failure = next?.failure.value;

  const open = useMemo(() => new Set((state.open ?? "").split(",").filter((key) => key !== "")), [state.open]);
  const outline = useMemo(() => (data ? new Outline(data.levels, open) : null), [data, version, open]);
  const firstRuns = useMemo(() => (data?.counts ? runsOf(data.levels.get(TOP)?.rows) : null), [data, data?.counts !== undefined]);
  const live = isLive(place.value);
  const choice = useColumns(experiments, live ? LIVE : named.join(), firstRuns);
  const { columns } = choice;
  const shown = useMemo(() => (isNarrow.value ? cardColumns(columns) : columns), [columns, isNarrow.value]);
  const { picked, pick, pickAll, drop } = usePicked(JSON.stringify([state.q, state.from, state.state]));
  const sort = useMemo(() => readSort(state.sort), [state.sort]);

  const hovered = useSignal<string | null>(null);
  const hidden = useMemo(() => (state.hide ?? "").split(",").filter((run) => run !== ""), [state.hide]);
  const most = state.all === "1" ? MOST_DRAWN : DRAWN;
  // A training is one row, so it is one curve.
  const standardX = flat ? "step" : "joined";
  const joined = (state.x ?? standardX) === "joined";
  const drawn = useMemo(
    () => (outline === null || !hasCurves ? [] : drawnRuns(outline, new Set(hidden), most, joined, nameOf)),
    [outline, hidden, hasCurves, most, joined],
  );
  useEffect(() => {
    const fields = show === "both" ? columns.flatMap(fieldsOf) : [];
    if (data && outline && hasCurves) void data.need(drawnSlots(outline, most), fields);
  }, [data, outline, show, most, columns]);
  const ink = useMemo(() => inks(drawn.map(({ id }) => id)), [drawn]);
  const inkOf = (run: string) => ink.get(run) ?? inks([run]).get(run);

  const curves = useMemo(() => new Curves(!flat), [flat, experiments]);
  useEffect(() => () => curves.close(), [curves]);
  const seenRows = useRef<readonly Row[]>([]);
  const seen = (rows: readonly Row[]): void => {
    seenRows.current = rows;
    const runs = rows.map(({ run }) => run);
    for (const column of columns) if (column.kind === "curve") void curves.need(column.key, runs);
    if (columns.some(({ id }) => id === "loss")) needLosses(rows, curves);
  };
  useChanges(named, (changes) => {
    if (!data || !search || !matters(changes, search, seenRows.current)) return;
    curves.forget(changes.reset ? seenRows.current.map(({ run }) => run) : changes.runs.map(({ run_id }) => run_id));
    seen(seenRows.current);
    refresh();
    choice.again();
  });

  const hide = (run: string): void => {
    const next = hidden.includes(run) ? hidden.filter((other) => other !== run) : [...hidden, run];
    change({ hide: next.join(",") }, "replace");
  };
  const setQuery = (q: string, how: "push" | "replace" = "push"): void => change({ q }, how);
  const clear = (): void => change({ q: undefined, from: undefined });
  const changed = (gone: readonly string[] = []): void => {
    if (gone.length > 0) drop(gone);
    refresh();
  };
  const demand = (clause: string): void => setQuery(alsoDemanding(state.q ?? "", clause));
  const deeds = useDeeds({ search, picked, pickAll, columns, trash, loaded: seenRows, changed, demand });

  const rowActions: RowActions = {
    pick,
    pickAll,
    toggleOpen: (row, wanted) => {
      const keys = new Set(open);
      if (wanted) keys.add(row.key);
      else keys.delete(row.key);
      change({ open: [...keys].join(",") }, "replace");
    },
    visit: (row) => go(runRoute(row.experiment, row.run)),
    hide,
    menu: deeds.openMenu,
  };
  const columnActions: ColumnActions = {
    sort: (column, more) => change({ sort: writeSort(nextSort(sort, column, more)) }),
    resize: choice.resize,
    move: (column, by) => choice.choose(moved(columns, column.id, by)),
    freeze: choice.freeze,
    remove: (column) => choice.choose(columns.filter(({ id }) => id !== column.id)),
    addCurve: (column) => choice.choose(withCurve(columns, column)),
  };
  const table = useRef<TableHandle>(null);
  useKeys({
    j: { name: "Next row", run: () => table.current?.step(1) },
    k: { name: "Row before", run: () => table.current?.step(-1) },
    ArrowDown: { name: "Next row", run: () => table.current?.step(1) },
    ArrowUp: { name: "Row before", run: () => table.current?.step(-1) },
    ...GRID_KEYS,
    c: { name: "Compare the selected runs", run: deeds.compare },
    e: {
      name: "Hide or draw the curve of the row",
      run: () => {
        const row = table.current?.focused();
        if (row && hasCurves) hide(row.run);
      },
    },
    f: { name: "Every run as a row", run: () => change({ flat: flat ? undefined : "1" }) },
    Escape: { name: "Select nothing", run: () => pickAll(false) },
  });

  const title = live ? "Live" : named.length === 0 ? "All runs" : named.length === 1 ? names.get(named[0] ?? "") : counted(named.length, "experiment");
  useTitle(title);
  const crumbs = [{ text: "Experiments", href: address({ screen: "experiments" }) }, { text: title ?? named.join(", "), ...(trash && { href: address({ screen: "runs", experiments: named }) }) }, ...(trash ? [{ text: "Trash" }] : [])];
  const counts = data?.counts;
  const selected = countOf(picked, counts?.runs ?? 0);
  const context: CellContext = useMemo(() => ({ filtered, experimentNames: names, curves }), [filtered, names, curves]);
  const drawnOf = (run: string): Drawn => {
    if (!hasCurves) return "none";
    if (hidden.includes(run)) return "hidden";
    return ink.has(run) ? "drawn" : "beyond";
  };

  if (scope.problem !== null) return <div class="screen">{scope.problem}</div>;
  return (
    <div class="screen runs-screen">
      <header class="runs-head">
        <Crumbs items={crumbs} />
        <h1 class="unseen">{live ? title : `Runs of ${title}`}</h1>
        <span class="runs-total figure" role="status">
          {counts && totalWords(counts, flat, filtered)}
        </span>
        {selected > 0 && <Bulk count={selected} trash={trash} actions={deeds} />}
      </header>
      <SearchLine experiments={experiments} query={state.q ?? ""} search={(q, done) => setQuery(q, done ? "push" : "replace")} />
      <div class="runs-bar">
        <div class="chips">
          {experiments !== null && (
            <Chips experiments={experiments} query={state.q ?? ""} search={setQuery} from={state.from} limit={(from) => change({ from })} />
          )}
        </div>
        <Toolbar
          experiments={experiments ?? []}
          only={named.length === 1 ? named[0] : undefined}
          columns={columns}
          choose={choice.choose}
          reset={choice.reset}
          group={state.group}
          setGroup={(group) => change({ group, open: undefined, show: undefined })}
          flat={flat}
          setFlat={(wanted) => change({ flat: wanted ? "1" : undefined })}
          trash={trash}
          setTrash={(wanted) => change({ state: wanted ? "deleted" : undefined })}
          show={show}
          setShow={(wanted) => change(wanted === "table" ? { show: undefined } : { show: wanted, group: undefined })}
          exportCsv={deeds.exportAll}
        />
      </div>
      {failure && (failure.status === 400 && filtered ? <Mistaken clear={clear} /> : <Trouble what="The runs" failure={failure} retry={refresh} />)}
      {data === undefined || outline === null || counts === undefined ? (
        !failure && <Skeleton name="the runs" lines={14} />
      ) : counts.rows === 0 && search !== null ? (
        !failure && (
          <NoRuns
            search={search}
            filtered={filtered}
            live={live}
            trash={trash}
            experiment={named.length === 1 ? names.get(named[0] ?? "") : undefined}
            clear={clear}
            showTrash={(wanted) => change({ state: wanted ? "deleted" : undefined })}
            version={version}
          />
        )
      ) : state.group !== undefined && search !== null ? (
        <Groups search={search} columns={columns} version={version} />
      ) : show === "relations" && search !== null ? (
        <section aria-label="Relations">
          <h2 class="unseen">Relations</h2>
          <Related
            search={search}
            isSet={false}
            hidden={hidden}
            hovered={hovered}
            demand={(clauses) => change({ q: clauses.reduce(alsoDemanding, state.q ?? ""), brush: undefined })}
          />
        </section>
      ) : (
        <Split
          left={
            show === "charts" ? null : (
              <RunTable
                handle={table}
                data={data}
                stale={stale}
                columns={shown}
                widths={choice.widths}
                frozen={choice.frozen}
                sort={sort}
                open={open}
                isPicked={(run) => isPicked(picked, run)}
                picked={selected === 0 ? "none" : picked.all && picked.except.size === 0 ? "all" : "some"}
                inkOf={inkOf}
                drawnOf={drawnOf}
                hovered={hovered}
                context={context}
                actions={rowActions}
                columnActions={columnActions}
                seen={seen}
              />
            )
          }
          right={
            show === "table" ? null : (
              <ChartsSide
                runs={drawn}
                experiments={experiments ?? []}
                hovered={hovered}
                hidden={hidden}
                onHide={hide}
                total={outline.total}
                standardX={standardX}
                all={state.all === "1"}
                drawAll={(wanted) => change({ all: wanted ? "1" : undefined }, "replace")}
              />
            )
          }
        />
      )}
      {deeds.overlay}
    </div>
  );
}

/** The address has a search that the server does not understand; the search line says why. */
function Mistaken({ clear }: { clear: () => void }): JSX.Element {
  return (
    <Empty title="The search has a mistake.">
      <button type="button" onClick={clear}>
        Clear the search
      </button>
    </Empty>
  );
}

interface Scope {
  /** The experiments whose runs are shown; null while that is not known. */
  experiments: readonly string[] | null;
  names: ReadonlyMap<string, string>;
  /** What stands in the place of everything, if something does. */
  problem: JSX.Element | null;
}

/** Which experiments are meant, and what they are called. */
function useScope(named: readonly string[]): Scope {
  const asked = useAsk("experiments", shareExperiments);
  const { answer, failure } = asked;
  const names = useMemo(() => new Map((answer ?? []).map(({ experiment_id, name }) => [experiment_id, name])), [answer]);
  const ids = named.length > 0 ? named : answer?.filter(isActive).map(({ experiment_id }) => experiment_id);
  const experiments = useMemo(() => ids ?? null, [ids?.join()]);
  // One that appears later is among all of them; one that is named may be still to come.
  useChanges(named, ({ reset, experiments: changed, runs }) => {
    const isNew = ({ experiment_id }: { experiment_id: string }): boolean => !names.has(experiment_id);
    if (reset || changed.some((id) => !names.has(id)) || runs.some(isNew)) asked.again();
  });
  if (failure && experiments === null) return { experiments, names, problem: <Trouble what="The experiments" failure={failure} retry={asked.again} /> };
  const unknown = answer !== undefined && named.length > 0 && !named.some((id) => names.has(id));
  if (!unknown) return { experiments, names, problem: null };
  const problem = (
    <Empty title={named.length === 1 ? `There is no experiment ${named[0] ?? ""}.` : `None of the experiments ${named.join(", ")} is there.`}>
      <p>It may have been deleted for good, or be for others only.</p>
      <a class="button" href={address({ screen: "experiments" })}>
        All experiments
      </a>
    </Empty>
  );
  return { experiments, names, problem };
}

function runsOf(rows: ReadonlyMap<number, Row> | undefined): string[] {
  return [...(rows?.values() ?? [])].map(({ run }) => run);
}

function nameOf(row: Row): string {
  return cellText(row, "attributes.run_name") || row.run;
}

/** `5,000 runs, 1,000 trainings`; the latter only where they are not as many. */
function totalWords(counts: { runs: number; trainings: number }, flat: boolean, filtered: boolean): string {
  const runs = counted(counts.runs, "run") + (filtered ? (counts.runs === 1 ? " matches" : " match") : "");
  return flat || counts.runs === counts.trainings ? runs : `${runs}, ${filtered ? "in " : ""}${counted(counts.trainings, "training")}`;
}

/** The columns with the curve of a metric at its right. */
function withCurve(columns: readonly Column[], metric: Column): Column[] {
  const curve = keyed("curve", metric.key);
  if (curve === null || columns.some(({ id }) => id === curve.id)) return [...columns];
  return columns.flatMap((column) => (column.id === metric.id ? [column, curve] : [column]));
}
