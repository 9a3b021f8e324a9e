// Which rows of a long table are made: those that can be seen and a few around them.

/** The usual height of a row in pixels, `--row` of styles/tokens.css; `rowPx` of state/look.ts is the one that was chosen. */
export const ROW_PX = 32;

/** Rows above and below what is seen, so that a little scrolling shows no gaps. */
const AROUND = 6;

/** Rows from `first` on, before `end`. */
export interface Span {
  first: number;
  end: number;
}

/** The rows, each `rowPx` pixels high, that are made where a box of `height` pixels is scrolled down by `top`. */
export function spanOf(top: number, height: number, total: number, rowPx = ROW_PX): Span {
  const first = Math.max(0, Math.floor(top / rowPx) - AROUND);
  const end = Math.min(total, Math.ceil((top + height) / rowPx) + AROUND);
  return { first: Math.min(first, total), end: Math.max(end, Math.min(first, total)) };
}

/** How far to scroll so that a row is seen whole below a head of `head` pixels; null if it is. */
export function scrollTo(row: number, top: number, height: number, head: number, rowPx = ROW_PX): number | null {
  const upper = row * rowPx;
  if (upper < top) return upper;
  const lowest = upper + rowPx + head - height;
  return lowest > top ? lowest : null;
}
