// Where the browser is. The address is the state: whoever wants another screen or another state changes the address.

import { signal } from "@preact/signals";
import { formatPlace, parsePlace } from "./place.ts";
import type { Place, Route, State } from "./place.ts";

/** The screen that is shown, and its state. */
export const place = signal<Place>(parsePlace(location.hash));

let isBack = false;

/** Whether the browser went through its history to what is shown. */
export function cameBack(): boolean {
  return isBack;
}

/** Follows the address from now on. */
export function followAddress(): void {
  const read = (): void => {
    place.value = parsePlace(location.hash);
  };
  addEventListener("hashchange", read);
  addEventListener("popstate", () => {
    // A link makes an entry without a state; all those that were shown have one.
    isBack = history.state !== null;
    markShown();
    read();
  });
  markShown();
}

function markShown(): void {
  if (history.state === null) history.replaceState({}, "");
}

/** Goes to another screen; "back" leads here. */
export function go(route: Route, state: State = {}): void {
  move({ route, state }, "push");
}

/**
 * Changes the state of the screen; `undefined` is the default. Typing replaces the entry of the history, everything else makes
 * one, so that "back" undoes it.
 */
export function change(changes: { readonly [Name in keyof State]?: State[Name] | undefined }, how: "push" | "replace" = "push"): void {
  const { route, state } = place.value;
  const next: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...state, ...changes })) if (value !== undefined && value !== "") next[name] = value;
  move({ route, state: next }, how);
}

/** Puts another route into the address with the state as it is: the set of a comparison, the file that is shown. */
export function reroute(route: Route, how: "push" | "replace" = "push"): void {
  move({ route, state: place.value.state }, how);
}

/** Shows a place in the place of the address that led to it. */
export function land(next: Place): void {
  move(next, "replace");
}

function move(next: Place, how: "push" | "replace"): void {
  const text = formatPlace(next);
  if (text === formatPlace(place.value) && text === location.hash) return;
  if (how === "push") history.pushState({}, "", text);
  else history.replaceState(history.state, "", text);
  isBack = false;
  place.value = next;
}
