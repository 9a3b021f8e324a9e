// A Jupyter notebook as cells that can be shown: texts and pictures. Pure. What could act in a page (HTML, scripts, widgets) is named
// and left out.

import { cleanLine } from "./log_text.ts";

/** Something that a cell printed: a text, a picture as a `data:` address, or what it is that is not shown. */
export type Output = { text: string; isError: boolean } | { picture: string } | { left: string };

export interface Cell {
  kind: "code" | "markdown" | "raw";
  source: string;
  /** Which execution it was; null where it was none. */
  count: number | null;
  outputs: readonly Output[];
}

/** Pictures that no script can be in. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The cells of a notebook of format 4; null where it is none. */
export function readNotebook(value: unknown): readonly Cell[] | null {
  const cells = field(value, "cells");
  if (!Array.isArray(cells)) return null;
  return cells.map((cell: unknown): Cell => {
    const kind = field(cell, "cell_type");
    const count = field(cell, "execution_count");
    const outputs = field(cell, "outputs");
    return {
      kind: kind === "markdown" || kind === "raw" ? kind : "code",
      source: joinedText(field(cell, "source")),
      count: typeof count === "number" ? count : null,
      outputs: Array.isArray(outputs) ? outputs.flatMap(readOutput) : [],
    };
  });
}

function readOutput(output: unknown): Output[] {
  const kind = field(output, "output_type");
  if (kind === "stream") return [{ text: plain(joinedText(field(output, "text"))), isError: field(output, "name") === "stderr" }];
  if (kind === "error") {
    const trace = field(output, "traceback");
    const said = Array.isArray(trace) && trace.length > 0 ? trace.map(String).join("\n") : `${String(field(output, "ename"))}: ${String(field(output, "evalue"))}`;
    return [{ text: plain(said), isError: true }];
  }
  const data = field(output, "data");
  if (typeof data !== "object" || data === null) return [];
  for (const type of PICTURES) {
    const content = joinedText(field(data, type)).replace(/\s+/g, "");
    if (BASE64.test(content)) return [{ picture: `data:${type};base64,${content}` }];
  }
  const text = joinedText(field(data, "text/plain"));
  const left = Object.keys(data).filter((type) => type !== "text/plain");
  // A table as text says the same as the one in HTML.
  if (text !== "") return [{ text: plain(text), isError: false }];
  return left.length === 0 ? [] : [{ left: left.join(", ") }];
}

/** A field of an object's own; what JSON cannot hold is not asked for. */
function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** Notebooks keep a text as one or as its lines. */
function joinedText(value: unknown): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.filter((line) => typeof line === "string").join("") : "";
}

function plain(text: string): string {
  return text.split("\n").map(cleanLine).join("\n");
}
