// The single-key shortcuts of all screens in one place (design: "Keyboard"): who shows something says which keys it has.

import { useLayoutEffect, useRef } from "preact/hooks";
import { follow, pressName } from "../lib/shortcuts.ts";
import { isFlag, kept } from "../state/kept.ts";

/** What a shortcut does; `name` says it in the list of shortcuts. */
export interface Shortcut {
  name: string;
  run: () => void;
  /** Whether it is about what has the focus, so that it means nothing in the command palette. */
  isLocal?: boolean;
}

/** Shortcuts by key: `c`, `?`, `ArrowDown`, ` `, `g e` for one after the other, `Ctrl-k`. */
export type Shortcuts = Readonly<Record<string, Shortcut>>;

/** Whether single keys do something; those with Ctrl always do. */
export const keysOn = kept("keys", true, isFlag);

/** How long the first key of two waits for the second, ms. */
const WAIT_MS = 1_000;

/** The shortcuts of all that is shown; what came last wins. */
const layers: { current: Shortcuts }[] = [];

/** Has shortcuts while the component is there. They do nothing while somebody types or while a dialog is open. */
export function useKeys(shortcuts: Shortcuts): void {
  const layer = useRef(shortcuts);
  layer.current = shortcuts;
  // Not after the next frame: keys may follow each other faster.
  useLayoutEffect(() => {
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
}

/** All shortcuts that are active now. */
export function activeKeys(): Shortcuts {
  return Object.assign({}, ...layers.map((layer) => layer.current)) as Shortcuts;
}

/** Listens from now on. */
export function followKeys(): void {
  let waiting = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const pressed = pressName(event);
    if (pressed === null || !isMeant(pressed, event.target)) return;
    const active = activeKeys();
    const next = follow(waiting, pressed, Object.keys(active));
    waiting = next.waiting;
    clearTimeout(timer);
    if (waiting !== "") timer = setTimeout(() => (waiting = ""), WAIT_MS);
    if (next.shortcut === null) return;
    event.preventDefault();
    active[next.shortcut]?.run();
  });
}

/** Whether a key press is for us, and not for what has the focus. */
function isMeant(pressed: string, target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null) return false;
  if (pressed.startsWith("Ctrl-")) return true;
  if (!keysOn.value) return false;
  if (!(target instanceof Element)) return true;
  if (target.closest("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])") !== null) return false;
  // Controls are pressed by these; a link by Enter alone.
  if (pressed === "Enter") return target.closest("button, summary, input, a") === null;
  return pressed !== " " || target.closest("button, summary, input") === null;
}
