// Notes that people write, as Markdown. What reads it is fetched when the first note is shown.

import { createElement } from "preact";
import type { ComponentChild, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Piece } from "../lib/markdown.ts";

/** The note as it is written, until it can be read. */
type Shown = { text: string; pieces: readonly Piece[] } | undefined;

/** A note as people mean it: headings, lists, tables, links. Nothing in it is ever taken as HTML. */
export function Markdown({ text }: { text: string }): JSX.Element {
  const [shown, show] = useState<Shown>();
  useEffect(() => {
    let wanted = true;
    const read = async (): Promise<void> => {
      const { parseMarkdown } = await import("../lib/markdown.ts");
      if (wanted) show({ text, pieces: parseMarkdown(text) });
    };
    // Where the reader cannot be fetched the note stays as it was written.
    read().catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [text]);
  if (shown === undefined) return <div class="markdown unread">{text}</div>;
  return <div class="markdown">{shown.pieces.map(drawn)}</div>;
}

function drawn(piece: Piece, key: number): ComponentChild {
  if (typeof piece === "string") return piece;
  const { element, href, start, children } = piece;
  const inside = children.map(drawn);
  if (element === "a" && href !== undefined) return <a key={key} href={href} rel="noreferrer">{inside}</a>;
  // What is wide scrolls in itself, and by the keyboard too.
  if (element === "pre") return <pre key={key} tabIndex={0}>{inside}</pre>;
  if (element === "table") return <div key={key} class="scroll" tabIndex={0}><table>{inside}</table></div>;
  return createElement(element, { key, ...(start !== undefined && { start }) }, inside.length === 0 ? null : inside);
}
