// What this browser remembers: personal defaults, which never override what an address says.

import { effect, signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

const PREFIX = "windvane.";

/**
 * A value that outlives the page. `accepts` judges what is found there: another version of the page, or anybody with the
 * browser's tools, may have left something else.
 */
export function kept<Value>(name: string, standard: Value, accepts: (found: unknown) => found is Value): Signal<Value> {
  const value = signal<Value>(read(name, standard, accepts));
  let first = true;
  effect(() => {
    const now = value.value;
    if (first) first = false;
    else write(name, now, standard);
  });
  // Other windows of this browser change it too.
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + name) value.value = read(name, standard, accepts);
  });
  return value;
}

export function isText(found: unknown): found is string {
  return typeof found === "string";
}

export function isFlag(found: unknown): found is boolean {
  return typeof found === "boolean";
}

export function isTexts(found: unknown): found is readonly string[] {
  return Array.isArray(found) && found.every(isText);
}

/** Texts by name. */
export function isTextMap(found: unknown): found is Readonly<Record<string, string>> {
  return typeof found === "object" && found !== null && !Array.isArray(found) && Object.values(found).every(isText);
}

// A browser that blocks site data throws at every access; a value then lasts as long as the page.
function read<Value>(name: string, standard: Value, accepts: (found: unknown) => found is Value): Value {
  try {
    const text = localStorage.getItem(PREFIX + name);
    const found: unknown = text === null ? standard : JSON.parse(text);
    return accepts(found) ? found : standard;
  } catch {
    return standard;
  }
}

function write<Value>(name: string, value: Value, standard: Value): void {
  try {
    if (value === standard) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Nothing to do: see above.
  }
}
