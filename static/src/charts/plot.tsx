import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Plot } from "./engine.ts";
import type { Events, Picture } from "./engine.ts";
import { palette } from "./palette.ts";

/** How far an arrow key moves the cursor, of what is shown. */
const KEY_STEP = 1 / 50;

/** A chart that fills its box. With the focus, arrows move its cursor, Enter pins, Escape takes the pin away. */
export function PlotView({ picture, events, summary, unpin }: { picture: Picture; events: Events; summary: string; unpin: () => void }): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const latest = useRef(events);
  latest.current = events;
  useLayoutEffect(() => {
    const box = host.current;
    if (box === null) return;
    const made = new Plot(box, picture, {
      zoom: (from, to) => latest.current.zoom(from, to),
      limit: (from, to) => latest.current.limit(from, to),
      reset: () => latest.current.reset(),
      pin: (x) => latest.current.pin(x),
      point: (cursor) => latest.current.point(cursor),
    });
    plot.current = made;
    const watch = new ResizeObserver(() => made.refresh());
    watch.observe(box);
    const followed = palette.subscribe(() => made.refresh());
    return () => {
      followed();
      watch.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.update(picture), [picture]);

  const at = useRef<number | null>(null);
  const press = (event: KeyboardEvent): void => {
    const [first, last] = picture.range;
    const move = (share: number): void => {
      at.current = Math.min(last, Math.max(first, (at.current ?? (first + last) / 2) + share * (last - first)));
      plot.current?.pointAt(at.current);
    };
    if (event.key === "ArrowRight") move(KEY_STEP);
    else if (event.key === "ArrowLeft") move(-KEY_STEP);
    else if (event.key === "Enter" && at.current !== null) events.pin(at.current);
    else if (event.key === "Escape" && picture.pinned !== null) unpin();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const leave = (): void => {
    at.current = null;
    plot.current?.pointAt(null);
  };
  return (
    <div
      ref={host}
      class="plot"
      tabIndex={0}
      role="group"
      aria-roledescription="chart"
      aria-label={`${summary}. Arrow keys read values, Enter pins them.`}
      onKeyDown={press}
      onBlur={leave}
    />
  );
}
