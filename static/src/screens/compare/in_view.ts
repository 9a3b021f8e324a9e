/** Lines that are drawn beyond each edge, so that scrolling a little shows no gap. */
const BEYOND = 4;

/** Which of `count` lines of one size can be seen in a box of `length` that is scrolled by `offset`: from (in) to (out). Pure. */
export function inView(count: number, size: number, offset: number, length: number): { from: number; to: number } {
  const from = Math.min(count, Math.max(0, Math.floor(offset / size) - BEYOND));
  const to = Math.min(count, Math.max(from, Math.ceil((offset + Math.max(0, length)) / size) + BEYOND));
  return { from, to };
}
