import { useEffect } from "preact/hooks";

/** What shows that somebody moves through the page, and no longer wants to be where a link led. */
const MOVES = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

/**
 * Once `arrived` is true, scrolls the page to an element and keeps it there while other parts of the page take their size, until
 * somebody moves.
 */
export function useHold(element: { readonly current: HTMLElement | null }, arrived: boolean): void {
  useEffect(() => {
    if (!arrived) return;
    const sizes = new ResizeObserver(() => element.current?.scrollIntoView());
    const release = (): void => {
      sizes.disconnect();
      for (const move of MOVES) removeEventListener(move, release, true);
    };
    // It also tells the size that there is already.
    sizes.observe(document.body);
    for (const move of MOVES) addEventListener(move, release, { capture: true, passive: true });
    return release;
  }, [arrived]);
}
