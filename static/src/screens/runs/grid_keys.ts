// The keys of the table, as the pattern of a tree grid has them, and those of design section 9.

import type { RowActions } from "./table.tsx";
import type { Outline, Row } from "./tree.ts";

/** What the keys act on. */
export interface GridKeys {
  outline: Outline;
  focused: number;
  /** Rows of a page. */
  page: number;
  focusOn: (index: number) => void;
  load: (first: number, end: number) => Promise<readonly Row[]>;
  actions: RowActions;
}

/** Does what a key means while a row, or something in it, has the focus. */
export function gridKey(event: KeyboardEvent, grid: GridKeys): void {
  const target = event.target;
  if (!(target instanceof HTMLElement) || event.altKey) return;
  const element = target.closest<HTMLElement>('[role="row"][data-index]');
  if (element === null) return;
  // Enter and space are for the control that has the focus.
  const inRow = target === element;
  const { outline, focused, actions } = grid;
  const row = outline.slot(focused)?.row;
  const step = (by: number): void => {
    const next = outline.slot(focused + by)?.row;
    grid.focusOn(focused + by);
    if (event.shiftKey && next) actions.pick(next, "range", grid.load, focused + by);
  };
  const deeds: Readonly<Record<string, (() => void) | undefined>> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    PageDown: () => grid.focusOn(focused + grid.page),
    PageUp: () => grid.focusOn(focused - grid.page),
    Home: () => grid.focusOn(0),
    End: () => grid.focusOn(outline.total - 1),
    ArrowRight: row && (() => (outline.isOpen(row) ? grid.focusOn(focused + 1) : actions.toggleOpen(row, true))),
    ArrowLeft: row && (() => closeOrUp(grid, row)),
    " ": inRow && row ? () => actions.pick(row, event.shiftKey ? "range" : "toggle", grid.load, focused) : undefined,
    Enter: inRow && row ? () => actions.visit(row) : undefined,
    F10: event.shiftKey && row ? () => actions.menu(row, undefined, placeOf(element)) : undefined,
    ContextMenu: row && (() => actions.menu(row, undefined, placeOf(element))),
    a: event.ctrlKey || event.metaKey ? () => actions.pickAll(true) : undefined,
  };
  const deed = deeds[event.key];
  if (deed === undefined || (event.key !== "a" && (event.ctrlKey || event.metaKey))) return;
  event.preventDefault();
  deed();
}

function closeOrUp({ outline, focused, focusOn, actions }: GridKeys, row: Row): void {
  const above = outline.slot(focused)?.above ?? -1;
  if (outline.isOpen(row)) actions.toggleOpen(row, false);
  else if (above >= 0) focusOn(above);
}

/** Below the beginning of a row, where its menu opens. */
function placeOf(element: HTMLElement): { x: number; y: number } {
  const { left, bottom } = element.getBoundingClientRect();
  return { x: Math.max(left, 0) + 90, y: bottom };
}
