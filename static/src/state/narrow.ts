import { signal } from "@preact/signals";

/** Where a window is a telephone's (design: section 10); the same width stands in the styles. */
const NARROW = "(max-width: 600px)";

/** Whether the window is so narrow that runs are cards, and nothing is changed. */
export const isNarrow = signal(false);

/** Follows the width of the window from now on. */
export function followWidth(): void {
  const width = matchMedia(NARROW);
  isNarrow.value = width.matches;
  width.addEventListener("change", () => (isNarrow.value = width.matches));
}
