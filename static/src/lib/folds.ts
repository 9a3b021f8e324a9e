// Lines that can be folded by how far they are indented, as in YAML. Pure. The text is shown as it is written and never read as
// data, so no tag or alias in it does anything.

import type { Line } from "./log_text.ts";

/** A list of YAML may stand as far left as the key it belongs to. */
const ITEM = /^\s*-(?:\s|$)/;

/** For each line the place of the last line that is folded with it; the line's own where there is nothing to fold. */
export function foldsOf(lines: readonly Line[]): readonly number[] {
  const ends = lines.map((_, place) => place);
  /** Lines that may go on, each further in than the one before it. */
  const open: { place: number; depth: number; isItem: boolean }[] = [];
  let last = -1;
  const close = (depth: number, isItem: boolean): void => {
    for (let top = open.at(-1); top && !(top.depth < depth || (top.depth === depth && isItem && !top.isItem)); top = open.at(-1)) {
      ends[top.place] = last;
      open.pop();
    }
  };
  lines.forEach(({ number, text }, place) => {
    const trimmed = text.trimStart();
    // A part of a long line, and a line with nothing in it, belong to what is before them.
    if (number !== null && trimmed !== "" && trimmed !== "\r") {
      const isItem = ITEM.test(text);
      const depth = text.length - trimmed.length;
      close(depth, isItem);
      open.push({ place, depth, isItem });
    }
    if (trimmed !== "") last = place;
  });
  close(-1, false);
  return ends;
}

/** The places of the lines that are seen where some lines are folded. */
export function seenLines(ends: readonly number[], folded: ReadonlySet<number>): readonly number[] {
  const seen: number[] = [];
  for (let place = 0; place < ends.length; place += 1) {
    seen.push(place);
    if (folded.has(place)) place = Math.max(place, ends[place] ?? place);
  }
  return seen;
}

/** What is left folded where a line is to be seen. */
export function unfoldedTo(ends: readonly number[], folded: ReadonlySet<number>, line: number): ReadonlySet<number> {
  const hiding = [...folded].filter((place) => place < line && (ends[place] ?? place) >= line);
  return hiding.length === 0 ? folded : new Set([...folded].filter((place) => !hiding.includes(place)));
}
