// How far boxes were scrolled, so that "back" leads to what was seen there.

import { useLayoutEffect } from "preact/hooks";
import { cameBack } from "./router.ts";

/** Pixels from the top, by the address that was shown. */
const kept = new Map<string, number>();

/** Keeps how far a box is scrolled, and scrolls there when the browser comes back to its address. */
export function useScrollMemory(box: { readonly current: HTMLElement | null }): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const top = cameBack() ? kept.get(location.hash) : undefined;
    if (top !== undefined) element.scrollTop = top;
    const keep = (): void => void kept.set(location.hash, element.scrollTop);
    element.addEventListener("scroll", keep, { passive: true });
    return () => element.removeEventListener("scroll", keep);
  }, []);
}
