// The keys of a table that is a tree grid of two levels, where the focus is on a row.

/** Does what a key means; `toggle` opens and closes a group. */
export function treeKey(event: KeyboardEvent, table: HTMLTableElement, toggle: (key: string, open: boolean) => void): void {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const row = target?.closest<HTMLTableRowElement>("tr[data-key]");
  if (!target || !row || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...table.querySelectorAll<HTMLTableRowElement>("tr[data-key]")];
  const at = rows.indexOf(row);
  const focus = (index: number): void => rows[Math.max(0, Math.min(rows.length - 1, index))]?.focus();
  const expanded = row.getAttribute("aria-expanded");
  const key = row.dataset["key"] ?? "";
  const above = rows.slice(0, at).map((one) => one.getAttribute("aria-level")).lastIndexOf("1");
  const deeds: Readonly<Record<string, (() => void) | undefined>> = {
    ArrowDown: () => focus(at + 1),
    ArrowUp: () => focus(at - 1),
    Home: () => focus(0),
    End: () => focus(rows.length - 1),
    ArrowRight: () => (expanded === "false" ? toggle(key, true) : focus(at + 1)),
    ArrowLeft: () => (expanded === "true" ? toggle(key, false) : above >= 0 && row.getAttribute("aria-level") === "2" ? focus(above) : undefined),
    // Enter is for what has the focus, where that is a link or a button.
    Enter: target === row ? () => row.querySelector("a")?.click() : undefined,
    " ": target === row && expanded !== null ? () => toggle(key, expanded === "false") : undefined,
  };
  const deed = deeds[event.key];
  if (deed === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  deed();
}
