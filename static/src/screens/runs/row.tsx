import { useComputed } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { Ink } from "../../lib/colours.ts";
import { Icon } from "../../parts/basics.tsx";
import { InkSign } from "../../parts/ink.tsx";
import { rowPx } from "../../state/look.ts";
import { CellContent, NameCell } from "./cells.tsx";
import type { CellContext } from "./cells.tsx";
import { isRight } from "./columns.ts";
import type { Column } from "./columns.ts";
import { below } from "./tree.ts";
import type { Row } from "./tree.ts";

/** What becomes of the curve of a row: `none` where there are no charts, `beyond` where enough others are drawn. */
export type Drawn = "none" | "drawn" | "hidden" | "beyond";

export interface RowProps {
  row: Row;
  index: number;
  depth: number;
  open: boolean;
  picked: boolean;
  /** Whether Tab leads here. */
  focused: boolean;
  columns: readonly Column[];
  /** Where the columns begin that stay in sight beside the name, px. */
  lefts: readonly number[];
  /** What stands before the cells of a card, which has no head; null where rows are rows. */
  titles: readonly string[] | null;
  ink: Ink | undefined;
  drawn: Drawn;
  hovered: Signal<string | null>;
  context: CellContext;
}

/**
 * A row. What is done with it is heard by the table, by what the attributes `data-act`, `data-column` and `data-index` say: a
 * table of thirty rows has no hundred listeners.
 */
export function RunRow({ row, index, depth, open, picked, focused, columns, lefts, titles, ink, drawn, hovered, context }: RowProps): JSX.Element {
  const lifted = useComputed(() => hovered.value === row.run);
  const tabIndex = focused ? 0 : -1;
  const opens = below(row) !== null;
  const faint = row.tree !== null && !row.tree.matches;
  return (
    <div
      role="row"
      class={faint ? "grid-row faint" : "grid-row"}
      aria-rowindex={index + 2}
      aria-level={depth}
      aria-expanded={opens ? open : undefined}
      aria-selected={picked}
      data-index={index}
      data-lifted={lifted.value}
      tabIndex={tabIndex}
      style={{ transform: `translateY(${index * rowPx()}px)` }}
    >
      <div role="gridcell" class="grid-cell pick" aria-colindex={1}>
        <input type="checkbox" checked={picked} data-act="pick" tabIndex={tabIndex} aria-label="Select" />
        <CurveSign drawn={drawn} ink={ink} tabIndex={tabIndex} />
      </div>
      <div role="rowheader" class="grid-cell run-name" aria-colindex={2} data-column="name" style={{ paddingLeft: `${(depth - 1) * 18}px` }}>
        {opens ? (
          <button type="button" class="quiet twist" data-act="open" tabIndex={-1} aria-label={open ? "Close" : "Open"}>
            <Icon name={open ? "down" : "right"} />
          </button>
        ) : (
          <span class="twist" />
        )}
        <NameCell row={row} context={context} tabIndex={tabIndex} />
        <button type="button" class="quiet row-menu" data-act="menu" tabIndex={tabIndex} aria-label="What can be done with it" aria-haspopup="menu">
          <Icon name="menu" />
        </button>
      </div>
      {columns.slice(1).map((column, at) => (
        <div
          role="gridcell"
          key={column.id}
          class={`grid-cell${isRight(column) ? " right" : ""}${at < lefts.length ? " frozen" : ""}`}
          style={at < lefts.length ? { left: `${lefts[at]}px` } : undefined}
          aria-colindex={at + 3}
          data-column={column.id}
          data-title={titles?.[at + 1]}
        >
          <CellContent row={row} column={column} context={context} />
        </div>
      ))}
    </div>
  );
}

/** The colour of a run; where there are charts, what hides its curve and shows it again. */
function CurveSign({ drawn, ink, tabIndex }: { drawn: Drawn; ink: Ink | undefined; tabIndex: number }): JSX.Element | null {
  if (drawn === "none") return <InkSign ink={ink} />;
  if (drawn === "beyond") return <span class="beyond" title="Not among the rows that are drawn" />;
  const words = drawn === "drawn" ? "Hide the curve" : "Draw the curve";
  return (
    <button type="button" class="quiet" data-act="hide" tabIndex={tabIndex} aria-label={words} title={words}>
      {drawn === "drawn" ? <InkSign ink={ink} /> : <Icon name="hidden" />}
    </button>
  );
}

/** Where a row will stand that is not there yet. */
export function AwaitedRow({ index, depth }: { index: number; depth: number }): JSX.Element {
  return (
    <div
      role="row"
      class="grid-row awaited"
      aria-rowindex={index + 2}
      aria-level={depth}
      aria-busy="true"
      data-index={index}
      style={{ transform: `translateY(${index * rowPx()}px)` }}
    >
      <div role="gridcell" class="grid-cell pick" aria-colindex={1} />
      <div role="gridcell" class="grid-cell run-name" aria-colindex={2}>
        <span class="awaited-line" />
        <span class="unseen">Loading</span>
      </div>
    </div>
  );
}
