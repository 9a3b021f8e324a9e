// The colours of styles/tokens.css for what is drawn on a canvas, which knows no custom properties.

import { effect, signal } from "@preact/signals";
import { HUES } from "../lib/colours.ts";
import { theme } from "../state/theme.ts";

export interface Palette {
  /** The hues of runs, by their places. */
  runs: readonly string[];
  /** From the least to the greatest value, where colours stand for numbers. */
  ramp: readonly string[];
  text: string;
  soft: string;
  line: string;
  accent: string;
  bad: string;
  warn: string;
  shade: string;
  surface: string;
  font: string;
}

/** The colours of the theme that is shown. */
export const palette = signal<Palette>(read());

for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
  matchMedia(query).addEventListener("change", () => (palette.value = read()));
}
effect(() => {
  void theme.value;
  // The theme is in the document only after all who follow it had their turn.
  queueMicrotask(() => (palette.value = read()));
});

/** A colour as seen through. */
export function faint(colour: string, alpha: number): string {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/** The colour of a number between the least (0) and the greatest (1). */
export function ramped({ ramp }: Palette, at: number): string {
  const place = Math.min(1, Math.max(0, at)) * (ramp.length - 1);
  const [from, to] = [Math.floor(place), Math.ceil(place)].map((stop) => (ramp[stop]?.match(/[\d.]+/g) ?? []).map(Number));
  return `rgb(${[0, 1, 2].map((part) => Math.round((from?.[part] ?? 0) + ((to?.[part] ?? 0) - (from?.[part] ?? 0)) * (place % 1))).join(" ")})`;
}

function read(): Palette {
  // Only a property that takes colours tells what light-dark() came to.
  const probe = document.createElement("span");
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return style.color;
  };
  const found: Palette = {
    runs: Array.from({ length: HUES }, (_, hue) => colour(`run-${hue}`)),
    ramp: [0, 1, 2].map((stop) => colour(`ramp-${stop}`)),
    text: colour("text"),
    soft: colour("text-soft"),
    line: colour("line"),
    accent: colour("accent"),
    bad: colour("bad"),
    warn: colour("warn"),
    shade: colour("shade"),
    surface: colour("surface"),
    font: style.fontFamily,
  };
  probe.remove();
  return found;
}
