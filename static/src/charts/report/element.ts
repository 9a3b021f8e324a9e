// Elements of a report. Texts become text nodes, whatever is in them.

import type { LineInk } from "../engine.ts";
import type { Colours } from "../vector.ts";
import { HUES } from "../../lib/colours.ts";

const SVG = "http://www.w3.org/2000/svg";

/** The colours of the theme, as the page's own style has them: they follow it without being drawn anew. */
export const COLOURS: Colours = {
  runs: Array.from({ length: HUES }, (_, hue) => `var(--run-${hue})`),
  text: "var(--text)",
  soft: "var(--text-soft)",
  line: "var(--line)",
  accent: "var(--accent)",
  bad: "var(--bad)",
  shade: "var(--shade)",
};

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A short line of a run's colour and dashes. */
export function lineSample({ hue, dash }: LineInk): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of [["class", "sample"], ["viewBox", "0 0 22 8"], ["aria-hidden", "true"]] as const) svg.setAttribute(key, value);
  for (const [key, value] of [["d", "M0 4H22"], ["stroke", COLOURS.runs[hue] ?? ""], ["stroke-width", "2.5"], ["stroke-dasharray", dash.join(" ")]] as const) {
    if (value !== "") path.setAttribute(key, value);
  }
  svg.append(path);
  return svg;
}
