// A card as a picture of its own: title, chart, names of the lines. Pure.

import { xmlText } from "../lib/xml_text.ts";
import type { LineInk, Picture } from "./engine.ts";
import { CHARACTER } from "./strength.ts";
import { planeOf, plotSvg, px, strokeOf, words } from "./vector.ts";
import type { Colours } from "./vector.ts";

/** What stands around a chart. */
export interface Around {
  title: string;
  /** What is to be said about it, in small letters below the title. */
  notes: string;
  /** What x is. */
  xName: string;
  /** What lines are called, and how they are drawn. */
  names: readonly { name: string; ink: LineInk }[];
  colours: Colours;
  background: string;
  font: string;
}

/** A run's only value. */
export interface Single {
  name: string;
  ink: LineInk;
  value: number;
  /** The value in words, and where it is. */
  text: string;
}

const EDGE = 12;
const LINE = 17;
const SAMPLE = 22;
/** Longer names are cut. */
const MOST_LETTERS = 64;

/** A chart with what stands around it; `width` is that of the picture, `height` that of the chart, in pixels. */
export function chartSvg(picture: Picture, width: number, height: number, around: Around): string {
  const { xName, names, colours } = around;
  const head = headSvg(width, around);
  const plane = planeOf(picture, width - 2 * EDGE, height);
  const below = head.height + height;
  const axis = words(EDGE + plane.right, below + 11, xName, colours.soft, 'font-size="11" text-anchor="end"');
  const legend = legendSvg(names, width, below + 16, colours);
  const plot = `<g transform="translate(${EDGE} ${px(head.height)})">${plotSvg(picture, plane, colours)}</g>`;
  return document(width, below + 16 + legend.height + EDGE, `${head.svg}${plot}${axis}${legend.svg}`, around);
}

/** Single values as dots on one axis, each in a line of its own. */
export function singlesSvg(values: readonly Single[], width: number, around: Around): string {
  const head = headSvg(width, around);
  const finite = values.map(({ value }) => value).filter(Number.isFinite);
  const [least, greatest] = [Math.min(...finite), Math.max(...finite)];
  const [from, to] = [width * 0.45, width * 0.75];
  const rows = values.map(({ name, ink, value, text }, row) => {
    const y = head.height + (row + 1) * LINE;
    const at = greatest > least ? from + ((value - least) / (greatest - least)) * (to - from) : (from + to) / 2;
    const line = `<path d="M${px(from)} ${px(y)}H${px(to)}" stroke="${xmlText(around.colours.line)}"/>`;
    const dot = Number.isFinite(value) ? `<path d="M${px(at)} ${px(y)}h0" ${strokeOf({ hue: ink.hue, dash: [] }, around.colours)} stroke-width="8" stroke-linecap="round"/>` : "";
    const label = words(EDGE, y + 4, cut(name, (from - EDGE) / CHARACTER - 2), around.colours.text, 'font-size="12"');
    return `${label}${line}${dot}${words(width - EDGE, y + 4, text, around.colours.text, 'font-size="12" text-anchor="end"')}`;
  });
  return document(width, head.height + (values.length + 1) * LINE + EDGE, head.svg + rows.join(""), around);
}

function document(width: number, height: number, inside: string, { background, font }: Around): string {
  const size = `width="${px(width)}" height="${px(height)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${px(width)} ${px(height)}" font-family="${xmlText(font)}"><rect ${size} fill="${xmlText(background)}"/>${inside}</svg>\n`;
}

function headSvg(width: number, { title, notes, colours }: Around): { svg: string; height: number } {
  const room = (width - 2 * EDGE) / CHARACTER;
  const small = notes === "" ? "" : words(EDGE, EDGE + 28, cut(notes, room), colours.soft, 'font-size="11"');
  return { svg: words(EDGE, EDGE + 11, cut(title, room * 0.85), colours.text, 'font-size="14" font-weight="600"') + small, height: EDGE + (notes === "" ? 20 : 36) };
}

/** Names beside samples of their lines, in as many rows as they need. */
function legendSvg(names: Around["names"], width: number, top: number, colours: Colours): { svg: string; height: number } {
  let [left, row] = [EDGE, 0];
  const entries = names.map(({ name, ink }) => {
    const text = cut(name, MOST_LETTERS);
    const room = SAMPLE + 6 + [...text].length * CHARACTER + 14;
    if (left > EDGE && left + room > width - EDGE) [left, row] = [EDGE, row + 1];
    const y = top + (row + 0.5) * LINE;
    const sample = `<path d="M${px(left)} ${px(y)}h${SAMPLE}" fill="none" ${strokeOf(ink, colours)} stroke-width="2.5"/>`;
    const entry = sample + words(left + SAMPLE + 6, y + 4, text, colours.text, 'font-size="12"');
    left += room;
    return entry;
  });
  return { svg: entries.join(""), height: names.length === 0 ? 0 : (row + 1) * LINE };
}

function cut(text: string, most: number): string {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, Math.max(1, Math.floor(most) - 1)).join("")}…`;
}
