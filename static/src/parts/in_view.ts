import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** What is this close to the window counts as seen, pixels. */
const NEAR_PX = 250;

/** Whether an element is in the window, or nearly. */
export function useInView(element: RefObject<HTMLElement | null>): boolean {
  const [is, set] = useState(false);
  useEffect(() => {
    if (element.current === null) return;
    const watch = new IntersectionObserver((entries) => set(entries.at(-1)?.isIntersecting ?? false), { rootMargin: `${NEAR_PX}px` });
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  return is;
}
