// The text of a file as lines that can be shown, a piece at a time. Pure.

/** A longer line is shown as several: one that is megabytes long would stop the browser. */
export const LINE_LIMIT = 2_000;

/** Colours and moves of a terminal. */
const TERMINAL_CODES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
/** What has no picture, but the tab; and what turns the direction of a line around. */
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

export interface Line {
  /** The number of the line that it belongs to, from 1; null for a part of a long line that is not its first, and where nobody counted. */
  number: number | null;
  text: string;
}

/** Grows by pieces of bytes as they come; they may end within a character or a line. */
export class LogText {
  private readonly decoder = new TextDecoder("utf-8");
  private rest = "";
  private whole: Line[] = [];
  private count = 0;

  /**
   * @param cutAtStart whether the file begins before the first piece, so that what is before its first end of line is no line.
   * @param before how many lines there are before those that are shown; null where nobody counted.
   */
  constructor(
    private cutAtStart = false,
    private readonly before: number | null = cutAtStart ? null : 0,
  ) {}

  add(bytes: Uint8Array): void {
    const pieces = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = pieces.pop() ?? "";
    if (this.cutAtStart && pieces.length > 0) {
      pieces.shift();
      this.cutAtStart = false;
    }
    for (const piece of pieces) this.whole.push(...this.shown(piece));
  }

  /** All lines so far, as a new list each time; the last may not be at its end yet. */
  lines(): readonly Line[] {
    if (this.rest === "") return [...this.whole];
    const before = this.count;
    const last = this.shown(this.rest);
    this.count = before;
    return [...this.whole, ...last];
  }

  private shown(raw: string): Line[] {
    this.count += 1;
    const text = cleanLine(raw);
    const found: Line[] = [{ number: this.before === null ? null : this.before + this.count, text: text.slice(0, LINE_LIMIT) }];
    for (let at = LINE_LIMIT; at < text.length; at += LINE_LIMIT) found.push({ number: null, text: text.slice(at, at + LINE_LIMIT) });
    return found;
  }
}

/** A line as a terminal would leave it: without colours, and of a progress bar that goes over itself only the last state. */
export function cleanLine(raw: string): string {
  const plain = raw.replace(TERMINAL_CODES, "").replace(/\r+$/, "");
  return plain.slice(plain.lastIndexOf("\r") + 1).replace(INVISIBLE, "\u00b7");
}

/** Whether these first bytes are of something that is no text. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 8_192).includes(0);
}

/** A place where a search finds something. */
export interface Hit {
  line: number;
  from: number;
  to: number;
}

/** Where a text stands in some lines, in any case; at most `limit` places. */
export function findInLines(lines: readonly Line[], text: string, limit: number): readonly Hit[] {
  if (text === "") return [];
  const wanted = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
  const hits: Hit[] = [];
  for (let line = 0; line < lines.length && hits.length < limit; line += 1) {
    for (const match of (lines[line]?.text ?? "").matchAll(wanted)) {
      hits.push({ line, from: match.index, to: match.index + match[0].length });
      if (hits.length === limit) break;
    }
  }
  return hits;
}
