// A drawing as a list of shapes, which the page shows and a file is made of: one description for both. Pure.

import { xmlText } from "../../lib/xml_text.ts";

/** Colours are those of the palette; sizes in pixels. */
export type Shape =
  | { kind: "path"; d: string; stroke?: string; fill?: string; width?: number; opacity?: number; dash?: string }
  | { kind: "dot"; x: number; y: number; r: number; fill: string; stroke?: string }
  | { kind: "text"; x: number; y: number; text: string; fill: string; anchor?: "start" | "middle" | "end"; halo?: string; turned?: boolean };

export interface Picture {
  width: number;
  height: number;
  shapes: readonly Shape[];
}

/** As many characters of a label as there is room for. */
const LABEL = 16;

/** Letters, in pixels. */
const TEXT_SIZE = 11;

/** The element of SVG that a shape is: its name, its attributes, and the text in it. */
export function elementOf(shape: Shape): { tag: "path" | "circle" | "text"; attributes: Record<string, string | number>; text: string } {
  switch (shape.kind) {
    case "path": {
      const { d, stroke = "none", fill = "none", width = 1, opacity = 1, dash } = shape;
      const attributes = { d, stroke, fill, "stroke-width": width, "stroke-linejoin": "round", ...(opacity < 1 && { opacity }), ...(dash && { "stroke-dasharray": dash }) };
      return { tag: "path", attributes, text: "" };
    }
    case "dot": {
      const { x, y, r, fill, stroke } = shape;
      return { tag: "circle", attributes: { cx: rounded(x), cy: rounded(y), r, fill, ...(stroke && { stroke }) }, text: "" };
    }
    case "text": {
      const { x, y, text, fill, anchor = "start", halo, turned = false } = shape;
      const attributes = {
        x: rounded(x),
        y: rounded(y),
        fill,
        "text-anchor": anchor,
        "font-size": TEXT_SIZE,
        ...(halo && { stroke: halo, "stroke-width": 3, "paint-order": "stroke", "stroke-linejoin": "round" }),
        ...(turned && { transform: `rotate(-90 ${rounded(x)} ${rounded(y)})` }),
      };
      return { tag: "text", attributes, text };
    }
  }
}

/** A drawing as the text of an SVG file, on a ground of its own. */
export function toSvg({ width, height, shapes }: Picture, ground: string, font: string): string {
  const inside = [{ kind: "path", d: `M0 0H${width}V${height}H0Z`, fill: ground } as const, ...shapes].map((shape) => {
    const { tag, attributes, text } = elementOf(shape);
    const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${xmlText(String(value))}"`);
    return `<${tag}${written.join("")}>${xmlText(text)}</${tag}>`;
  });
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${xmlText(font)}">\n${inside.join("\n")}\n</svg>\n`;
}

/** A label that is short enough to stand beside others. */
export function short(text: string, most = LABEL): string {
  const characters = [...text.replace(/\s+/g, " ")];
  return characters.length <= most ? characters.join("") : `${characters.slice(0, most - 1).join("")}…`;
}

/** The path through some points, `[x, y]` each. */
export function pathThrough(points: readonly (readonly [number, number])[], closed = false): string {
  return points.map(([x, y], place) => `${place === 0 ? "M" : "L"}${rounded(x)} ${rounded(y)}`).join("") + (closed ? "Z" : "");
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
