// The head of the table: what sorts, moves and widens columns.

import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Icon } from "../../parts/basics.tsx";
import { Menu, MenuItem } from "../../parts/menu.tsx";
import { NARROWEST, WIDEST, isRight, nameOf, sortField, titlesOf } from "./columns.ts";
import type { Column, SortKey } from "./columns.ts";

/** What can be done with columns. */
export interface ColumnActions {
  /** Sorts by a column; with `more` as a further key. */
  sort: (column: Column, more: boolean) => void;
  resize: (column: Column, width: number | null) => void;
  /** Moves a column by so many places to the right. */
  move: (column: Column, by: number) => void;
  remove: (column: Column) => void;
  /** Keeps so many columns in sight, beside the name. */
  freeze: (count: number) => void;
  /** Shows the curve of a metric beside it. */
  addCurve: (column: Column) => void;
}

/** Pixels by which the menu widens a column. */
const WIDER_PX = 40;
/** Characters from which on a title may not fit, and those at its end that are kept. */
const LONG_TITLE = 13;
const TAIL = 8;
/** The type of what is dragged, so that nothing else is taken for a column. */
const DRAGGED = "application/x-windvane-column";

/** The heads of all columns but the first, which selects. */
export function HeadCells({
  columns,
  widths,
  lefts,
  sort,
  actions,
}: {
  columns: readonly Column[];
  widths: readonly number[];
  /** Where the columns begin that stay in sight beside the name, px. */
  lefts: readonly number[];
  sort: readonly SortKey[];
  actions: ColumnActions;
}): JSX.Element {
  const titles = useMemo(() => titlesOf(columns), [columns]);
  return (
    <>
      {columns.map((column, index) => (
        <HeadCell key={column.id} column={column} title={titles[index] ?? ""} index={index} columns={columns} width={widths[index] ?? 0} lefts={lefts} sort={sort} actions={actions} />
      ))}
    </>
  );
}

function HeadCell({
  column,
  title,
  index,
  columns,
  width,
  lefts,
  sort,
  actions,
}: {
  column: Column;
  title: string;
  index: number;
  columns: readonly Column[];
  width: number;
  lefts: readonly number[];
  sort: readonly SortKey[];
  actions: ColumnActions;
}): JSX.Element {
  const left = lefts[index - 1];
  const place = sort.findIndex(({ id }) => id === column.id);
  const key = sort[place];
  const sortable = sortField(column) !== null;
  const head = (
    <>
      <HeadTitle title={title} />
      {key && <span class="head-sort" aria-hidden="true">{(key.descending ? "↓" : "↑") + (sort.length > 1 ? String(place + 1) : "")}</span>}
    </>
  );
  const drop = (event: DragEvent): void => {
    const id = event.dataTransfer?.getData(DRAGGED) ?? "";
    const from = columns.findIndex((other) => other.id === id);
    const moving = columns[from];
    if (moving === undefined) return;
    event.preventDefault();
    actions.move(moving, index - from);
  };
  return (
    <div
      role="columnheader"
      class={`grid-cell head-cell${isRight(column) ? " right" : ""}${index === 0 ? " run-name" : ""}${left === undefined ? "" : " frozen"}`}
      style={left === undefined ? undefined : { left: `${left}px` }}
      aria-colindex={index + 2}
      aria-sort={key === undefined ? undefined : key.descending ? "descending" : "ascending"}
      onDragOver={(event) => {
        if (index > 0 && event.dataTransfer?.types.includes(DRAGGED)) event.preventDefault();
      }}
      onDrop={drop}
    >
      {sortable ? (
        <button
          type="button"
          class="head-button"
          title={`Sort by ${nameOf(column)}`}
          draggable={index > 0}
          onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, column.id)}
          onClick={(event) => actions.sort(column, event.shiftKey)}
        >
          {head}
        </button>
      ) : (
        <span class="head-button" title={nameOf(column)} draggable={index > 0} onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, column.id)}>
          {head}
        </span>
      )}
      <Menu label={<Icon name="down" />} name={`Column ${title}`} quiet align="end">
        {(close) => <HeadMenu column={column} index={index} last={columns.length - 1} frozen={lefts.length} width={width} sorted={sort.length > 0} actions={actions} close={close} />}
      </Menu>
      <Grip width={width} resize={(to) => actions.resize(column, to)} />
    </div>
  );
}

/** A title whose end stays when there is no room: names of metrics and params differ there. */
function HeadTitle({ title }: { title: string }): JSX.Element {
  const tail = title.length > LONG_TITLE ? TAIL : 0;
  return (
    <span class="name">
      <bdi class="name-head">{title.slice(0, title.length - tail)}</bdi>
      {tail > 0 && <bdi class="name-tail">{title.slice(-tail)}</bdi>}
    </span>
  );
}

function HeadMenu({
  column,
  index,
  last,
  frozen,
  width,
  sorted,
  actions,
  close,
}: {
  column: Column;
  index: number;
  last: number;
  frozen: number;
  width: number;
  sorted: boolean;
  actions: ColumnActions;
  close: () => void;
}): JSX.Element {
  const item = (text: string, act: () => void): JSX.Element => (
    <MenuItem close={close} act={act}>
      {text}
    </MenuItem>
  );
  const sortable = sortField(column) !== null;
  return (
    <>
      {sortable && item("Sort by it", () => actions.sort(column, false))}
      {sortable && sorted && item("Sort by it as well", () => actions.sort(column, true))}
      {column.kind === "metric" && item("Show its curves", () => actions.addCurve(column))}
      {index > 1 && item("Move left", () => actions.move(column, -1))}
      {index > 0 && index < last && item("Move right", () => actions.move(column, 1))}
      {index > frozen && item("Freeze up to here", () => actions.freeze(index))}
      {index > 0 && index <= frozen && item("Let it scroll", () => actions.freeze(index - 1))}
      {item("Wider", () => actions.resize(column, width + WIDER_PX))}
      {item("Narrower", () => actions.resize(column, width - WIDER_PX))}
      {index > 0 && item("Remove", () => actions.remove(column))}
    </>
  );
}

/** The edge of a column, to be dragged; a double click gives the usual width. The menu does the same for the keyboard. */
function Grip({ width, resize }: { width: number; resize: (width: number | null) => void }): JSX.Element {
  const start = useRef<{ x: number; width: number } | null>(null);
  return (
    <span
      class="grip"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width };
      }}
      onPointerMove={(event) => {
        if (start.current) resize(start.current.width + event.clientX - start.current.x);
      }}
      onPointerUp={() => (start.current = null)}
      onDblClick={() => resize(null)}
    />
  );
}

/** A width within what can be used. */
export function usableWidth(width: number): number {
  return Math.round(Math.max(NARROWEST, Math.min(WIDEST, width)));
}
