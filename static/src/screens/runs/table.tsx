// The table: a window of rows in a box that scrolls, as a tree grid (WAI-ARIA).

import type { Signal } from "@preact/signals";
import type { JSX, Ref } from "preact";
import { useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Ink } from "../../lib/colours.ts";
import { scrollTo, spanOf } from "../../parts/window.ts";
import { rowPx } from "../../state/look.ts";
import { isNarrow } from "../../state/narrow.ts";
import { cameBack } from "../../state/router.ts";
import { useScrollMemory } from "../../state/scroll.ts";
import type { CellContext } from "./cells.tsx";
import { fieldsOf, titlesOf } from "./columns.ts";
import type { Column, SortKey } from "./columns.ts";
import { HeadCells } from "./head.tsx";
import type { ColumnActions } from "./head.tsx";
import { AwaitedRow, RunRow } from "./row.tsx";
import type { Drawn } from "./row.tsx";
import type { TableData } from "./table_data.ts";
import { Outline } from "./tree.ts";
import type { Row, Slot } from "./tree.ts";
import { gridKey } from "./grid_keys.ts";

/** The width of the cell with the box that selects and the colour, and the height of the head, px. */
const PICK_PX = 72;
const HEAD_PX = 33;
/** While the box is scrolled fast, what passes by is not asked for, ms. */
const PAUSE_MS = 90;

/** The row that Tab leads to: by its place, and by its key once that is known. */
interface Focus {
  index: number;
  key: string | undefined;
}

/** Where the focus was, by the address that was shown: who comes back goes on from there. */
const lastFocus = new Map<string, Focus>();

/** How a selection grows. */
export type Reach = "only" | "toggle" | "range";

/** What can be done with rows. */
export interface RowActions {
  pick: (row: Row, reach: Reach, slots: (first: number, end: number) => Promise<readonly Row[]>, index: number) => void;
  pickAll: (wanted: boolean) => void;
  toggleOpen: (row: Row, open: boolean) => void;
  visit: (row: Row) => void;
  hide: (run: string) => void;
  /** Opens the menu of a row, of one of its cells where `column` says which, at a place of the window. */
  menu: (row: Row, column: Column | undefined, at: { x: number; y: number }) => void;
}

/** What others may want of the table. */
export interface TableHandle {
  /** Moves the focus into the rows, by so many from where it was. */
  step: (by: number) => void;
  focused: () => Row | undefined;
  element: () => HTMLElement | null;
}

export interface RunTableProps {
  handle: Ref<TableHandle>;
  data: TableData;
  stale: boolean;
  columns: readonly Column[];
  widths: readonly number[];
  /** How many columns stay in sight when the table is scrolled sideways, beside the name. */
  frozen: number;
  sort: readonly SortKey[];
  open: ReadonlySet<string>;
  isPicked: (run: string) => boolean;
  /** Of the box above all boxes. */
  picked: "none" | "some" | "all";
  inkOf: (run: string) => Ink | undefined;
  drawnOf: (run: string) => Drawn;
  hovered: Signal<string | null>;
  context: CellContext;
  actions: RowActions;
  columnActions: ColumnActions;
  /** Hears which rows are seen. */
  seen: (rows: readonly Row[]) => void;
}

export function RunTable(props: RunTableProps): JSX.Element {
  const { handle, data, columns, widths, open, isPicked, inkOf, drawnOf, hovered, context, actions } = props;
  const box = useRef<HTMLDivElement>(null);
  const version = data.version.value;
  const outline = useMemo(() => new Outline(data.levels, open), [data, version, open]);
  useScrollMemory(box);
  const { span, follow } = useSpan(box, outline.total);
  const [focus, setFocus] = useState<Focus>(() => (cameBack() ? lastFocus.get(location.hash) : undefined) ?? { index: 0, key: undefined });
  useLayoutEffect(() => void lastFocus.set(location.hash, focus), [focus]);
  const wantsFocus = useRef(false);

  // A row is followed by its name: what arrives above it must not move the focus to another run.
  const known = focus.key === undefined ? -1 : outline.indexOf(focus.key);
  const focused = Math.max(0, Math.min(outline.total - 1, known >= 0 ? known : focus.index));
  const slots = slotsOf(outline, span.first, span.end);
  // The row that has the focus is made wherever it is: what is not there loses it.
  const far = outline.slot(focused);
  const made = far === undefined || (focused >= span.first && focused < span.end) ? slots : focused < span.first ? [far, ...slots] : [...slots, far];

  useNeeded(data, outline, slots, columns);
  const rows = slots.map(({ row }) => row).filter((row) => row !== undefined);
  useEffect(() => props.seen(rows), [rows.map(({ key }) => key).join(), columns, data]);

  const focusOn = (index: number): void => {
    const to = Math.max(0, Math.min(outline.total - 1, index));
    setFocus({ index: to, key: outline.slot(to)?.row?.key });
    wantsFocus.current = true;
    const element = box.current;
    const top = element && scrollTo(to, element.scrollTop, element.clientHeight, HEAD_PX, rowPx());
    if (element && top !== null) {
      element.scrollTop = top;
      follow();
    }
  };
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    // A row that is still awaited takes the focus once it is there.
    const element = box.current?.querySelector<HTMLElement>(`[role="row"][data-index="${focused}"]:not([aria-busy])`);
    element?.focus({ preventScroll: true });
    if (element) wantsFocus.current = false;
  });
  useImperativeHandle(handle, () => ({
    step: (by) => focusOn(box.current?.contains(document.activeElement) ? focused + by : focused),
    focused: () => outline.slot(focused)?.row,
    element: () => box.current,
  }));

  const load = async (first: number, end: number): Promise<readonly Row[]> => {
    await data.need(slotsOf(outline, first, end), []);
    return slotsOf(new Outline(data.levels, open), first, end).map(({ row }) => row).filter((row) => row !== undefined);
  };
  const act = (event: MouseEvent): void => {
    const target = event.target instanceof Element ? event.target : null;
    const index = Number(target?.closest("[data-index]")?.getAttribute("data-index") ?? -1);
    const row = outline.slot(index)?.row;
    if (!target || row === undefined) return;
    const what = target.closest("[data-act]")?.getAttribute("data-act");
    const { left: x, bottom: y } = target.getBoundingClientRect();
    if (what === undefined && target.closest("a, button, input") !== null) return;
    setFocus({ index, key: row.key });
    if (what === "open") actions.toggleOpen(row, !outline.isOpen(row));
    else if (what === "hide") actions.hide(row.run);
    else if (what === "menu") actions.menu(row, undefined, { x, y });
    else actions.pick(row, event.shiftKey ? "range" : what === "pick" || event.ctrlKey || event.metaKey ? "toggle" : "only", load, index);
  };
  const openMenu = (event: MouseEvent): void => {
    const target = event.target instanceof Element ? event.target : null;
    const row = outline.slot(Number(target?.closest("[data-index]")?.getAttribute("data-index") ?? -1))?.row;
    // A link keeps the browser's own menu: people copy its address there.
    if (!target || row === undefined || target.closest("a") !== null) return;
    event.preventDefault();
    const id = target.closest("[data-column]")?.getAttribute("data-column");
    const column = columns.find((candidate) => candidate.id === id);
    actions.menu(row, column, { x: event.clientX, y: event.clientY });
  };

  const render = (slot: Slot): JSX.Element => {
    const { index, depth, row } = slot;
    if (row === undefined) return <AwaitedRow key={`at ${slot.level} ${slot.place}`} index={index} depth={depth} />;
    return (
      <RunRow
        key={`${slot.level} ${row.key}`}
        row={row}
        index={index}
        depth={depth}
        open={outline.isOpen(row)}
        picked={isPicked(row.run)}
        focused={index === focused}
        columns={columns}
        lefts={lefts}
        titles={titles}
        ink={inkOf(row.run)}
        drawn={drawnOf(row.run)}
        hovered={hovered}
        context={context}
      />
    );
  };
  // The last column takes what the others leave.
  const grid = `${PICK_PX}px ${widths.map((width, index) => (index === widths.length - 1 ? `minmax(${width}px, 1fr)` : `${width}px`)).join(" ")}`;
  const starts = useMemo(() => widths.map((_, index) => PICK_PX + widths.slice(0, index).reduce((sum, width) => sum + width, 0)), [widths]);
  const lefts = useMemo(() => starts.slice(1, 1 + props.frozen), [starts, props.frozen]);
  const titles = useMemo(() => (isNarrow.value ? titlesOf(columns) : null), [columns, isNarrow.value]);
  const wide = PICK_PX + widths.reduce((sum, width) => sum + width, 0);
  return (
    <div
      ref={box}
      class={props.stale ? "runs-grid stale" : "runs-grid"}
      role="treegrid"
      aria-label="Runs"
      aria-rowcount={outline.total + 1}
      aria-colcount={columns.length + 1}
      aria-multiselectable
      aria-busy={props.stale}
      style={{ "--grid": grid, "--wide": `${wide}px`, "--still": `${starts[1 + lefts.length] ?? wide}px` }}
      onScroll={follow}
      onClick={act}
      onContextMenu={openMenu}
      onKeyDown={(event) => gridKey(event, { outline, focused, page: Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / rowPx()) - 2), focusOn, load, actions })}
      onFocusIn={(event) => {
        const index = Number((event.target as Element).closest("[data-index]")?.getAttribute("data-index") ?? -1);
        if (index >= 0 && index !== focused) setFocus({ index, key: outline.slot(index)?.row?.key });
      }}
      onPointerOver={(event) => {
        const index = Number((event.target as Element).closest("[data-index]")?.getAttribute("data-index") ?? -1);
        hovered.value = outline.slot(index)?.row?.run ?? null;
      }}
      onPointerLeave={() => (hovered.value = null)}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" class="grid-head-row" aria-rowindex={1}>
          <div role="columnheader" class="grid-cell pick" aria-colindex={1}>
            <input
              type="checkbox"
              aria-label="Select all that match"
              title="Select all that match"
              checked={props.picked === "all"}
              ref={(element) => {
                if (element) element.indeterminate = props.picked === "some";
              }}
              onChange={(event) => actions.pickAll(event.currentTarget.checked)}
            />
          </div>
          <HeadCells columns={columns} widths={widths} lefts={lefts} sort={props.sort} actions={props.columnActions} />
        </div>
      </div>
      <div role="rowgroup" class="grid-body" style={{ height: `${outline.total * rowPx()}px` }}>
        {made.map(render)}
      </div>
    </div>
  );
}

function slotsOf(outline: Outline, first: number, end: number): Slot[] {
  const slots: Slot[] = [];
  for (let index = first; index < end; index += 1) {
    const slot = outline.slot(index);
    if (slot) slots.push(slot);
  }
  return slots;
}

/** The rows that are made, as the box is scrolled and changes its size. */
function useSpan(box: { current: HTMLDivElement | null }, total: number): { span: { first: number; end: number }; follow: () => void } {
  const [place, setPlace] = useState({ top: 0, height: 900 });
  const follow = (): void => {
    const element = box.current;
    if (element === null) return;
    // Only whole rows matter: most of what a browser tells while it scrolls changes nothing.
    const top = Math.floor(element.scrollTop / rowPx()) * rowPx();
    const height = element.clientHeight;
    setPlace((before) => (before.top === top && before.height === height ? before : { top, height }));
  };
  useLayoutEffect(() => {
    follow();
    const observer = new ResizeObserver(follow);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return { span: spanOf(place.top, place.height, total, rowPx()), follow };
}

/** Asks for what is seen, once the box has come to rest. */
function useNeeded(data: TableData, outline: Outline, slots: readonly Slot[], columns: readonly Column[]): void {
  const first = slots[0]?.index ?? 0;
  const end = first + slots.length;
  const before = useRef(first);
  useEffect(() => {
    const ask = (): void => void data.need(slots, columns.flatMap(fieldsOf));
    const isMoving = before.current !== first;
    before.current = first;
    if (!isMoving) {
      ask();
      return;
    }
    const timer = setTimeout(ask, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [data, first, end, columns, outline]);
}
