// Where a text stands in a file of any size, by pieces of it that come one after the other. Pure. Of the file nothing is kept but
// the lines that were found, as numbers.

import { cleanLine } from "./log_text.ts";

/** A line that has what was looked for. */
export interface FoundLine {
  /** From 1. */
  number: number;
  /** The place of its first byte in the file. */
  at: number;
}

const NEWLINE = 10;
/** What an end of line does not come for in so many bytes is taken for lines of their own, so that a file without any can be searched. */
const LONGEST = 4_000_000;
/** What is shown otherwise than it is written. */
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/;

/** What a text is looked for with, in any case. */
export function wantedText(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
}

/** Looks for a text in each line as it is shown, which is without colours. */
export class LineSearch {
  /** What was found, at most as many as asked for. */
  readonly found: FoundLine[] = [];
  private readonly wanted: RegExp;
  private rest = new Uint8Array(0);
  /** Lines that were ended so far, and the bytes before `rest`. */
  private lines = 0;
  private done = 0;

  constructor(
    text: string,
    private readonly limit: number,
  ) {
    this.wanted = wantedText(text);
  }

  /** Whether as much was found as was asked for. */
  get isFull(): boolean {
    return this.found.length >= this.limit;
  }

  add(bytes: Uint8Array): void {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const end = all.lastIndexOf(NEWLINE) + 1;
    if (end > 0) this.look(all, end);
    this.rest = all.slice(end);
    if (this.rest.length > LONGEST) this.end();
  }

  /** Looks into the last line, which has no end. */
  end(): void {
    const { rest, lines } = this;
    if (rest.length > 0) this.look(rest, rest.length);
    this.lines = lines;
    this.rest = new Uint8Array(0);
  }

  private look(all: Uint8Array, end: number): void {
    const lines = new TextDecoder().decode(all.subarray(0, end)).split("\n");
    // After the last end of line there is no line yet.
    if (all[end - 1] === NEWLINE) lines.pop();
    let at = 0;
    let counted = 0;
    for (let place = 0; place < lines.length && !this.isFull; place += 1) {
      const line = lines[place] ?? "";
      if (!this.wanted.test(ODD.test(line) ? cleanLine(line) : line)) continue;
      for (; counted < place; counted += 1) at = all.indexOf(NEWLINE, at) + 1;
      this.found.push({ number: this.lines + place + 1, at: this.done + at });
    }
    this.lines += lines.length;
    this.done += end;
  }
}
