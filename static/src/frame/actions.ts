// What the command palette can do beside finding things: the shortcuts of the screen, and what screens add here.

import { useLayoutEffect, useRef } from "preact/hooks";
import { activeKeys } from "./keys.ts";

/** Something to choose in the palette. */
export interface Action {
  /** What it does, or what it leads to. */
  name: string;
  run: () => void;
  /** Its shortcut, where it has one. */
  shortcut?: string;
}

/** Actions by the heading under which they are listed. */
type Group = Readonly<{ title: string; actions: readonly Action[] }>;

const groups: { current: Group }[] = [];

/** Offers actions while the component is there, such as the metrics of a screen. */
export function useActions(title: string, actions: readonly Action[]): void {
  const group = useRef<Group>({ title, actions });
  group.current = { title, actions };
  useLayoutEffect(() => {
    groups.push(group);
    return () => void groups.splice(groups.indexOf(group), 1);
  }, []);
}

/** All that can be chosen now. */
export function activeActions(): readonly Group[] {
  const shortcuts = Object.entries(activeKeys())
    .filter(([, { isLocal }]) => isLocal !== true)
    .map(([shortcut, { name, run }]) => ({ name, run, shortcut }));
  return [...groups.map((group) => group.current), { title: "Actions", actions: shortcuts }];
}
