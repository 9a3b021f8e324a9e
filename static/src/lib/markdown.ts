// Markdown as a tree of our own: what is not in it cannot be shown. Raw HTML is text, pictures are links, and links lead to the
// web or to a mailbox. Pure; `parts/markdown.tsx` shows it.

import { Lexer } from "marked";
import type { MarkedToken, Token, Tokens } from "marked";
import { safeLink } from "./links.ts";

/** The elements that a text may become. */
export type MarkdownElement =
  | "p" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" | "code" | "ul" | "ol" | "li" | "strong" | "em" | "del" | "br" | "hr" | "a"
  | "table" | "thead" | "tbody" | "tr" | "th" | "td";

/** A part of a text: words, or an element with what is in it. */
export type Piece = string | { element: MarkdownElement; href?: string; start?: number; children: readonly Piece[] };

/** Longer texts are shown as they are, characters; the server takes no longer ones. */
const LONGEST = 20_000;

/** Marks of emphasis at the edge of a word; reading a paragraph takes time by the square of their number. */
const MARK = /(?<![\p{L}\p{N}])[*_~]+|[*_~]+(?![\p{L}\p{N}])/gu;
const MOST_MARKS = 500;

/** Levels of quotes and lists; what is nested deeper can be read, but drawing it would take more than the stack. */
const MOST_LEVELS = 100;

/** Reads a text. Never fails: what cannot be read is shown as it was written. */
export function parseMarkdown(text: string): readonly Piece[] {
  if (text.length > LONGEST || isTangled(text)) return [element("pre", [text])];
  try {
    const pieces = blocks(new Lexer({ gfm: true }).lex(text));
    if (!isDeeper(pieces, MOST_LEVELS)) return pieces;
  } catch {
    // Nested deeper than the stack.
  }
  return [element("pre", [text])];
}

/** Whether a text would hold up the page: nobody writes such, but anybody may. */
function isTangled(text: string): boolean {
  return text.split(/\n\s*\n/).some((paragraph) => (paragraph.match(MARK)?.length ?? 0) > MOST_MARKS);
}

function isDeeper(pieces: readonly Piece[], levels: number): boolean {
  return pieces.some((piece) => typeof piece !== "string" && (levels === 0 || isDeeper(piece.children, levels - 1)));
}

/** A heading of a note stands below those of the page. */
const HEADINGS = ["h3", "h4", "h5", "h6"] as const;

function element(name: MarkdownElement, children: readonly Piece[]): Piece {
  return { element: name, children };
}

function blocks(tokens: readonly Token[] | undefined): readonly Piece[] {
  return (tokens ?? []).flatMap((token) => piece(token as MarkedToken));
}

function piece(token: MarkedToken): readonly Piece[] {
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "paragraph":
      return [element("p", blocks(token.tokens))];
    case "heading":
      return [element(HEADINGS[Math.min(token.depth, HEADINGS.length) - 1] ?? "h6", blocks(token.tokens))];
    case "blockquote":
    case "strong":
    case "em":
    case "del":
      return [element(token.type, blocks(token.tokens))];
    case "hr":
    case "br":
      return [element(token.type, [])];
    case "code":
      return [element("pre", [element("code", [token.text])])];
    case "codespan":
      return [element("code", [token.text])];
    case "list":
      return [list(token)];
    case "list_item":
      return [element("li", blocks(token.tokens))];
    case "checkbox":
      return [token.checked ? "☑ " : "☐ "];
    case "table":
      return [table(token)];
    case "link":
      return link(token.href, blocks(token.tokens));
    case "image":
      return link(token.href, [token.text === "" ? token.href : token.text]);
    case "html":
      return token.block ? [element("p", [token.text.trimEnd()])] : [token.text];
    case "escape":
      return [token.text];
    case "text":
      return token.tokens === undefined ? [unescaped(token.text)] : blocks(token.tokens);
  }
}

function list(token: Tokens.List): Piece {
  const children = token.items.flatMap((item) => piece(item));
  if (!token.ordered) return element("ul", children);
  return { element: "ol", children, ...(typeof token.start === "number" && token.start !== 1 && { start: token.start }) };
}

function table(token: Tokens.Table): Piece {
  const row = (name: "th" | "td", cells: readonly Tokens.TableCell[]): Piece =>
    element("tr", cells.map((cell) => element(name, blocks(cell.tokens))));
  const body = token.rows.map((cells) => row("td", cells));
  return element("table", [element("thead", [row("th", token.header)]), element("tbody", body)]);
}

/** A link that may be followed, or else its words. */
function link(written: string, children: readonly Piece[]): readonly Piece[] {
  const href = safeLink(unescaped(written));
  return href === null ? children : [{ element: "a", href, children }];
}

/** The characters that people write by name; others are as they were written. */
const NAMED: ReadonlyMap<string, string> = new Map(Object.entries({
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", deg: "°", micro: "µ", times: "×", plusmn: "±",
  minus: "−", ndash: "–", mdash: "—", hellip: "…", rarr: "→", larr: "←", le: "≤", ge: "≥", sup2: "²", sup3: "³",
}));

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]+\d?));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED.get(name) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}
