// Which rows of a long table are made: those that can be seen and a few around them.

/** The height of a row in pixels, `--row` of styles/tokens.css. */
export const ROW_PX = 32;

/** Rows above and below what is seen, so that a little scrolling shows no gaps. */
const AROUND = 6;

/** Rows from `first` on, before `end`. */
export interface Span {
  first: number;
  end: number;
}

/** The rows that are made where a box of `height` pixels is scrolled down by `top`. */
export function spanOf(top: number, height: number, total: number): Span {
  const first = Math.max(0, Math.floor(top / ROW_PX) - AROUND);
  const end = Math.min(total, Math.ceil((top + height) / ROW_PX) + AROUND);
  return { first: Math.min(first, total), end: Math.max(end, Math.min(first, total)) };
}

/** How far to scroll so that a row is seen whole below a head of `head` pixels; null if it is. */
export function scrollTo(row: number, top: number, height: number, head: number): number | null {
  const upper = row * ROW_PX;
  if (upper < top) return upper;
  const lowest = upper + ROW_PX + head - height;
  return lowest > top ? lowest : null;
}
