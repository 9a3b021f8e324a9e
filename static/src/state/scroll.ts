// Where people were in a box, so that "back" leads to what was seen there.

import { useLayoutEffect } from "preact/hooks";
import { cameBack } from "./router.ts";

interface Seen {
  top: number;
  left: number;
}

/** By the address that was shown. */
const kept = new Map<string, Seen>();

/** Keeps how far a box is scrolled, and scrolls there when the browser comes back to its address. */
export function useScrollMemory(box: { readonly current: HTMLElement | null }): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const before = cameBack() ? kept.get(location.hash) : undefined;
    if (before !== undefined) element.scrollTo(before.left, before.top);
    const keep = (): void => void kept.set(location.hash, { top: element.scrollTop, left: element.scrollLeft });
    element.addEventListener("scroll", keep, { passive: true });
    return () => element.removeEventListener("scroll", keep);
  }, []);
}
