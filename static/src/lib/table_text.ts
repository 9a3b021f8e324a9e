// The text of a CSV or TSV file as rows, a piece at a time. Pure. Cells are text: nothing in them is ever a formula or a tag.

import { cleanLine } from "./log_text.ts";

/** A longer cell is cut where it is shown. */
export const CELL_LIMIT = 2_000;
/** Cells that are held of a row. */
export const COLUMN_LIMIT = 10_000;
/** What stands between cells, where the name of the file does not say it: the one that the first line has most. */
const SEPARATORS = [",", ";", "\t", "|"];

/** A number as people and programs write it, also in columns that miss some. */
const NUMBER = /^\s*(?:[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?|[+-]?(?:nan|inf(?:inity)?)|null|none|na|)\s*$/i;

/** Grows by pieces of bytes as they come; they may end within a character, a cell or a row. */
export class TableText {
  private readonly decoder = new TextDecoder("utf-8");
  private readonly rows: string[][] = [];
  private row: string[] = [];
  /** The cell that is read, in parts: putting a text together for every character would be slow. */
  private cell = "";
  /** Within quotes; `closed` after the quote that may end them. */
  private quoted = false;
  private closed = false;
  private afterReturn = false;

  /** @param separator what stands between cells; "" to see by the first line. */
  constructor(private separator: string) {}

  add(bytes: Uint8Array): void {
    const text = this.decoder.decode(bytes, { stream: true });
    if (this.separator === "") this.separator = separatorOf(text);
    const plain = new RegExp(`[${this.separator}"\\r\\n]`, "g");
    let at = 0;
    while (at < text.length) {
      if (this.quoted && !this.closed) {
        const end = text.indexOf('"', at);
        this.cell += text.slice(at, end < 0 ? text.length : end);
        if (end < 0) return;
        this.closed = true;
        at = end + 1;
        continue;
      }
      const char = text.charAt(at);
      if (this.closed && char === '"') {
        // A quote twice is one quote.
        this.cell += '"';
        this.closed = false;
        at += 1;
        continue;
      }
      this.quoted = this.closed = false;
      const ended = this.afterReturn && char === "\n";
      this.afterReturn = false;
      if (ended) {
        at += 1;
      } else if (char === '"' && this.cell === "") {
        this.quoted = true;
        at += 1;
      } else if (char === this.separator) {
        this.endCell();
        at += 1;
      } else if (char === "\n" || char === "\r") {
        this.endRow();
        this.afterReturn = char === "\r";
        at += 1;
      } else {
        plain.lastIndex = at + 1;
        const end = plain.exec(text)?.index ?? text.length;
        this.cell += text.slice(at, end);
        at = end;
      }
    }
  }

  /** All rows so far, the first included; the last may not be at its end yet. */
  lines(): readonly (readonly string[])[] {
    return this.row.length === 0 && this.cell === "" ? [...this.rows] : [...this.rows, [...this.row, this.cell]];
  }

  private endCell(): void {
    if (this.row.length < COLUMN_LIMIT) this.row.push(this.cell);
    this.cell = "";
  }

  private endRow(): void {
    // A line with nothing in it is no row.
    if (this.row.length > 0 || this.cell !== "") {
      this.endCell();
      this.rows.push(this.row);
    }
    this.row = [];
    this.cell = "";
  }
}

function separatorOf(text: string): string {
  const line = (/^[^\r\n]*/.exec(text)?.[0] ?? "").replace(/"[^"]*"/g, "");
  const counts = SEPARATORS.map((separator) => line.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ",";
}

/** A cell as it is shown: on one line. */
export function shownCell(text: string): string {
  return cleanLine(text.slice(0, CELL_LIMIT).replace(/\r?\n|\r/g, "↵"));
}

/** A column of a table. */
export interface Column {
  /** Width in characters. */
  width: number;
  /** Whether it holds numbers, which are right-aligned. */
  numeric: boolean;
}

/** The columns of some rows, of which the first is the head. */
export function columnsOf(rows: readonly (readonly string[])[], most: number): readonly Column[] {
  const count = Math.min(most, rows.reduce((longest, { length }) => Math.max(longest, length), 0));
  return Array.from({ length: count }, (_, column) => {
    const cells = rows.flatMap((row) => row[column] ?? []);
    const width = cells.reduce((widest, { length }) => Math.max(widest, length), 0);
    const values = cells.slice(1);
    return { width: Math.min(40, Math.max(4, width)), numeric: values.some((cell) => cell.trim() !== "") && values.every((cell) => NUMBER.test(cell)) };
  });
}
