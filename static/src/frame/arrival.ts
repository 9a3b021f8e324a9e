import { useLayoutEffect, useRef } from "preact/hooks";
import { cameBack } from "../state/router.ts";

/**
 * Puts the page and the focus to where a screen begins, when another one (`name`) is shown. Who goes back or forward keeps the place
 * to which the browser scrolls.
 */
export function useArrival(name: string): void {
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    if (!cameBack()) scrollTo(0, 0);
    // What had the focus went with the screen before.
    if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [name]);
}
