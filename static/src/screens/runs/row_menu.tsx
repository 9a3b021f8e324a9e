// The menu of a row, or of one of its cells: opened by its button, by the second button of the mouse, or by the menu key.

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { quoted } from "../../lib/filter.ts";
import { fieldsOf, titleOf } from "./columns.ts";
import type { Column } from "./columns.ts";
import { canBeDemanded } from "./search.ts";
import type { Row } from "./tree.ts";

/** A clause that a cell stands for, and what it is called. */
interface CellClause {
  title: string;
  field: string;
  value: string;
  /** Numbers are compared without quotes. */
  isNumber: boolean;
}

/** What can be demanded of other runs by the value of a cell; null where that is nothing a filter knows. */
export function clauseOf(row: Row, column: Column): CellClause | null {
  const [field] = fieldsOf(column);
  // A moment is that of one run.
  if (field === undefined || field.endsWith("_time")) return null;
  const value = row.cells.get(field);
  if (value === undefined || value === null || (typeof value === "string" && column.kind === "metric")) return null;
  if (typeof value === "string" && !canBeDemanded(value)) return null;
  return { title: titleOf(column), field, value: String(value), isNumber: typeof value === "number" };
}

export interface MenuItem {
  text: string;
  act: () => void;
  /** Whether it begins another group. */
  begins?: boolean;
}

/** The entries that a cell adds: other runs with its value, and those without it. */
export function cellItems(row: Row, columns: readonly Column[], demand: (clause: string) => void): MenuItem[] {
  const items = columns.flatMap((column): MenuItem[] => {
    const found = clauseOf(row, column);
    if (found === null) return [];
    const value = found.isNumber ? found.value : quoted(found.value);
    const short = found.value.length > 32 ? `${found.value.slice(0, 30)}…` : found.value;
    return [
      { text: `Only ${found.title} = ${short}`, act: () => demand(`${found.field} = ${value}`) },
      { text: `Exclude ${found.title} = ${short}`, act: () => demand(`${found.field} != ${value}`) },
    ];
  });
  return items.map((item, index) => (index === 0 ? { ...item, begins: true } : item));
}

/** A menu at a place of the window (WAI-ARIA menu pattern). */
export function PlacedMenu({ at, items, close }: { at: { x: number; y: number }; items: readonly MenuItem[]; close: () => void }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const before = document.activeElement;
    element.showPopover();
    const { offsetWidth: width, offsetHeight: height } = element;
    element.style.left = `${Math.max(4, Math.min(at.x, innerWidth - width - 4))}px`;
    element.style.top = `${Math.max(4, Math.min(at.y, innerHeight - height - 4))}px`;
    element.querySelector("button")?.focus();
    return () => {
      // With the menu its focus would go nowhere.
      const lost = element.contains(document.activeElement) || document.activeElement === document.body;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useLayoutEffect(() => {
    const elsewhere = (event: Event): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) close();
    };
    document.addEventListener("pointerdown", elsewhere);
    addEventListener("resize", close);
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      removeEventListener("resize", close);
    };
  }, []);
  const step = (event: KeyboardEvent): void => {
    const buttons = [...(box.current?.querySelectorAll("button") ?? [])];
    const here = buttons.findIndex((button) => button === document.activeElement);
    const places: Readonly<Record<string, number | undefined>> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 };
    const next = places[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    if (next === undefined && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (next !== undefined) buttons[(next + buttons.length) % buttons.length]?.focus();
  };
  return (
    <div class="menu-panel" role="menu" aria-label="Run" popover="manual" ref={box} onKeyDown={step}>
      {items.map(({ text, act, begins = false }) => (
        <button
          type="button"
          role="menuitem"
          class={begins ? "menu-item begins" : "menu-item"}
          key={text}
          onClick={() => {
            close();
            act();
          }}
        >
          <bdi>{text}</bdi>
        </button>
      ))}
    </div>
  );
}
