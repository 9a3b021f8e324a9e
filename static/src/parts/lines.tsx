import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Lines beyond what can be seen that are there already when somebody scrolls. */
const SPARE = 20;

/** The line that is to be seen, and which wish that is: the same line may be wished for again. */
export interface LineWish {
  line: number;
  wish: number;
}

/**
 * A box with many lines of one height, of which only those exist that can be seen. `height` is that of a line in pixels;
 * `scrolled` hears whether the last line can be seen, and whether what is seen lies further up than before. With `head`, which
 * stays at the top, they are a table of so many columns.
 */
export function Lines({
  name,
  count,
  height,
  wished,
  scrolled,
  head,
  columns,
  children,
}: {
  name: string;
  count: number;
  height: number;
  wished?: LineWish | undefined;
  scrolled?: ((atEnd: boolean, up: boolean) => void) | undefined;
  head?: ComponentChildren;
  columns?: number;
  children: (line: number) => ComponentChildren;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [seen, see] = useState({ top: 0, lines: 60 });
  const before = useRef(0);
  const hearer = useRef(scrolled);
  hearer.current = scrolled;
  const look = (): void => {
    const at = box.current;
    if (at === null) return;
    see({ top: Math.floor(at.scrollTop / height), lines: Math.ceil(at.clientHeight / height) });
    const up = at.scrollTop < before.current;
    before.current = at.scrollTop;
    hearer.current?.(at.scrollTop + at.clientHeight >= at.scrollHeight - height, up);
  };
  useEffect(() => {
    const at = box.current;
    if (at === null) return;
    const observer = new ResizeObserver(look);
    observer.observe(at);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const at = box.current;
    if (at === null || wished === undefined) return;
    const place = wished.line * height;
    if (place < at.scrollTop || place + height > at.scrollTop + at.clientHeight) at.scrollTop = place - at.clientHeight / 2;
    look();
  }, [wished]);
  const from = Math.max(0, seen.top - SPARE);
  const to = Math.min(count, seen.top + seen.lines + SPARE);
  const all = (
    <div class="lines-all" role={head ? "rowgroup" : undefined} style={{ height: `${count * height}px` }}>
      <div class="lines-seen" style={{ transform: `translateY(${from * height}px)` }}>
        {Array.from({ length: Math.max(0, to - from) }, (_, index) => children(from + index))}
      </div>
    </div>
  );
  return (
    <div class="lines" ref={box} tabIndex={0} role="region" aria-label={name} onScroll={look}>
      {head ? (
        <div role="table" aria-label={name} aria-rowcount={count + 1} aria-colcount={columns}>
          {head}
          {all}
        </div>
      ) : (
        all
      )}
    </div>
  );
}
