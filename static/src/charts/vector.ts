// A chart as vectors (SVG): the same drawing as on the canvas. Pure.

import { xmlText } from "../lib/xml_text.ts";
import type { Column } from "./arrange.ts";
import type { LineInk, Picture } from "./engine.ts";
import type { Palette } from "./palette.ts";
import { isBad } from "./range.ts";
import type { Mark } from "./range.ts";
import { ABOVE, CHARACTER, DOT, FAINT_BAND, LIFTED_WIDTH, MARK, RIGHT, WIDTH, X_AXIS, X_TICK, Y_TICK, alphaOf, valueTicks, yAxisWidth } from "./strength.ts";
import { ticks, valueLabels, xLabels } from "./ticks.ts";

/** Colours as SVG takes them: also `var(--…)` where the vectors are part of a page. */
export type Colours = Pick<Palette, "runs" | "text" | "soft" | "line" | "accent" | "bad" | "shade">;

/** Where things are in a drawing, in pixels from its upper left corner. */
export interface Plane {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: (value: number) => number;
  y: (value: number) => number;
  /** The value of x at so many pixels from the left. */
  xAt: (left: number) => number;
  /** The value of the vertical axis at so many pixels from the top. */
  yAt: (top: number) => number;
}

/** Sizes of words, pixels. */
const FONT = 11;
/** Coordinates beyond this say nothing more, and some readers of SVG cannot hold them. */
const FARTHEST = 1e5;

/** Lays out a picture in a box of this size, in pixels; what is needed for axes is taken from it. */
export function planeOf({ drawing: { scale }, range: [from, to] }: Pick<Picture, "drawing" | "range">, width: number, height: number): Plane {
  const [top, bottom, right] = [ABOVE, height - X_AXIS, width - RIGHT];
  const left = yAxisWidth(valueLabels(valueTicks(scale.from, scale.to, (height - X_AXIS) / Y_TICK, scale.log)));
  const place = (value: number): number => (scale.log ? Math.log(value) : value);
  const [low, high] = [place(scale.from), place(scale.to)];
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    x: (value) => left + ((value - from) / (to - from)) * (right - left),
    y: (value) => bottom - ((place(value) - low) / (high - low)) * (bottom - top),
    xAt: (at) => from + ((at - left) / (right - left)) * (to - from),
    yAt: (at) => {
      const found = low + ((bottom - at) / (bottom - top)) * (high - low);
      return scale.log ? Math.exp(found) : found;
    },
  };
}

/** Axes, lines and marks, as elements of an SVG. */
export function plotSvg(picture: Picture, plane: Plane, colours: Colours): string {
  const { left, right, top, bottom } = plane;
  const box = `x="${px(left)}" y="${px(top)}" width="${px(right - left)}" height="${px(bottom - top)}"`;
  const view = [left, top, right - left, bottom - top].map(px).join(" ");
  const inside = shades(picture, plane, colours) + strokes(picture, plane, colours) + verticals(picture, plane, colours);
  // What lies outside an inner SVG is not drawn.
  return `${axes(picture, plane, colours)}<svg ${box} viewBox="${view}">${inside}</svg>${marks(picture, plane, colours)}`;
}

/** Words in an SVG; `more` are further attributes, which come from no user. */
export function words(x: number, y: number, text: string, fill: string, more = ""): string {
  return `<text x="${px(x)}" y="${px(y)}" fill="${xmlText(fill)}"${more === "" ? "" : ` ${more}`}>${xmlText(text)}</text>`;
}

/** A number of pixels with one decimal. */
export function px(value: number): string {
  return String(Math.round(Math.max(-FARTHEST, Math.min(FARTHEST, value)) * 10) / 10);
}

/** The colour and the dashes of a line. */
export function strokeOf({ hue, dash }: LineInk, colours: Colours): string {
  const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : "";
  return `stroke="${xmlText(colours.runs[hue] ?? colours.text)}"${dashes}`;
}

function axes({ drawing: { scale }, range: [from, to], kind, offsetMs }: Picture, plane: Plane, colours: Colours): string {
  const { left, right, top, bottom, width, height } = plane;
  const heights = valueTicks(scale.from, scale.to, (height - X_AXIS) / Y_TICK, scale.log).filter((value) => value >= scale.from && value <= scale.to);
  const steps = ticks(from, to, (width - left) / X_TICK, kind, offsetMs);
  const labels = valueLabels(heights);
  const names = xLabels(steps, kind, offsetMs);
  const grid = heights.map((value) => `M${px(left)} ${px(plane.y(value))}H${px(right)}`).join("") + steps.map((step) => `M${px(plane.x(step))} ${px(top)}V${px(bottom)}`).join("");
  const beside = heights.map((value, index) => words(left - 6, plane.y(value) + FONT / 3, labels[index] ?? "", colours.soft, 'text-anchor="end"'));
  const below = steps.map((step, index) => {
    const name = names[index] ?? "";
    const isCut = plane.x(step) + (name.length * CHARACTER) / 2 > width;
    return isCut ? "" : words(plane.x(step), bottom + FONT + 6, name, colours.soft, 'text-anchor="middle"');
  });
  return `<path d="${grid}" fill="none" stroke="${xmlText(colours.line)}"/><g font-size="${FONT}">${beside.join("")}${below.join("")}</g>`;
}

function strokes({ drawing, range, lifted, inkOf }: Picture, plane: Plane, colours: Colours): string {
  const { x, columns } = drawing;
  const someone = drawing.strokes.some(({ run }) => run === lifted) ? lifted : null;
  return drawing.strokes
    .map((stroke, index) => {
      const column = columns[index] ?? [];
      const ink = inkOf(stroke.run, stroke.metric);
      const alpha = alphaOf(stroke, someone);
      const colour = xmlText(colours.runs[ink.hue] ?? colours.text);
      if (stroke.role === "bottom") return "";
      if (stroke.role === "top") {
        const path = bandPath(x, column, columns[index + 1] ?? [], range, plane);
        return path === "" ? "" : `<path d="${path}" fill="${colour}" fill-opacity="${opacity(FAINT_BAND * alpha)}"/>`;
      }
      const width = stroke.role === "ghost" ? 1 : someone === stroke.run ? LIFTED_WIDTH : WIDTH;
      const path = pieces(x, column, range)
        .map((piece) => pathOf(piece, plane))
        .join("");
      const dots = stroke.dots.filter((place) => (x[place] ?? 0) >= range[0] && (x[place] ?? 0) <= range[1]).map((place) => `M${px(plane.x(x[place] ?? 0))} ${px(plane.y(column[place] ?? 0))}h0`);
      const line = path === "" ? "" : `<path d="${path}" fill="none" ${strokeOf(ink, colours)} stroke-width="${width}" stroke-linejoin="round"/>`;
      const points = dots.length === 0 ? "" : `<path d="${dots.join("")}" stroke="${colour}" stroke-width="${DOT}" stroke-linecap="round"/>`;
      return line + points === "" ? "" : `<g opacity="${opacity(alpha)}">${line}${points}</g>`;
    })
    .join("");
}

type Point = readonly [x: number, height: number];

/** The stretches of a stroke that can be seen, each with its neighbours outside of what of x is shown. */
function pieces(x: readonly number[], column: Column, [from, to]: readonly [number, number]): Point[][] {
  const found: Point[][] = [];
  let piece: Point[] = [];
  const end = (): void => {
    if (piece.length > 1) found.push(piece);
    piece = [];
  };
  for (let place = 0; place < x.length; place += 1) {
    const height = column[place];
    if (height === undefined) continue;
    if (height === null) {
      end();
      continue;
    }
    const at = x[place] ?? 0;
    if (at < from) piece = [[at, height]];
    else piece.push([at, height]);
    if (at > to) break;
  }
  end();
  return found;
}

function pathOf(piece: readonly Point[], plane: Plane): string {
  return piece.map(([x, height], index) => `${index === 0 ? "M" : index === 1 ? "L" : " "}${px(plane.x(x))} ${px(plane.y(height))}`).join("");
}

/** The outlines of a band: along its upper edge, and back along the lower one. Both have their heights at the same x. */
function bandPath(x: readonly number[], top: Column, bottom: Column, range: readonly [number, number], plane: Plane): string {
  const lower = pieces(x, bottom.map((height, place) => (top[place] === null ? null : height)), range);
  return pieces(x, top.map((height, place) => (bottom[place] === null ? null : height)), range)
    .map((piece, index) => `${pathOf([...piece, ...[...(lower[index] ?? [])].reverse()], plane)}Z`)
    .join("");
}

function shades({ idle }: Picture, { x, top, bottom }: Plane, colours: Colours): string {
  return idle
    .map(([from, to]) => `<rect x="${px(x(from))}" y="${px(top)}" width="${px(x(to) - x(from))}" height="${px(bottom - top)}" fill="${xmlText(colours.shade)}"/>`)
    .join("");
}

function verticals({ attempts, pinned }: Picture, { x, top, bottom }: Plane, colours: Colours): string {
  const line = (at: number): string => `M${px(x(at))} ${px(top)}V${px(bottom)}`;
  const begun = attempts.length === 0 ? "" : `<path d="${attempts.map(line).join("")}" stroke="${xmlText(colours.soft)}" stroke-dasharray="2 3"/>`;
  return begun + (pinned === null ? "" : `<path d="${line(pinned)}" stroke="${xmlText(colours.accent)}"/>`);
}

function marks({ drawing, range: [from, to], inkOf }: Picture, plane: Plane, colours: Colours): string {
  const byColour = new Map<string, string>();
  for (const mark of drawing.marks) {
    const at = drawing.x[mark.place] ?? 0;
    if (at < from || at > to) continue;
    const hue = inkOf(mark.run, drawing.strokes[0]?.metric ?? "").hue;
    const colour = isBad(mark) ? colours.bad : (colours.runs[hue] ?? colours.text);
    byColour.set(colour, (byColour.get(colour) ?? "") + markPath(mark, plane.x(at), plane));
  }
  return [...byColour].map(([colour, path]) => `<path d="${path}" fill="${xmlText(colour)}"/>`).join("");
}

/** A bar at the lower edge, or a triangle that points to its edge. */
function markPath({ kind }: Mark, x: number, { top, bottom }: Plane): string {
  const [half, high] = [MARK * 0.8, MARK * 1.4];
  if (kind === "nan") return `M${px(x - MARK / 4)} ${px(bottom - high)}h${px(MARK / 2)}v${px(high)}h${px(-MARK / 2)}Z`;
  const isAbove = kind === "infinity" || kind === "above";
  return `M${px(x)} ${px(isAbove ? top : bottom)}l${px(-half)} ${px(isAbove ? high : -high)}h${px(2 * half)}Z`;
}

function opacity(alpha: number): string {
  return String(Number(alpha.toPrecision(2)));
}
