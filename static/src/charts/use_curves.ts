// What a card asks for, and how it is drawn.

import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useAsk } from "../state/ask.ts";
import type { Asked } from "../state/ask.ts";
import { arrange, oddMarks } from "./arrange.ts";
import type { Drawing } from "./arrange.ts";
import { readCurves } from "./feed.ts";
import type { Curves } from "./feed.ts";
import { scaleOf } from "./range.ts";
import type { ScaleWish } from "./range.ts";
import { isMean } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { axisOf } from "./settings.ts";
import type { XKind } from "./ticks.ts";
import { meanStrands, strandsOf } from "./strands.ts";

/** Cards this close to the window are drawn already, pixels. */
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

/** The curves of some metrics. A card out of view keeps what it has and asks for nothing. */
export function useCurves(scene: Scene, metrics: readonly string[], inView: boolean): Asked<Curves> {
  const { settings, asked, buckets, version } = scene;
  const { x, joined } = axisOf(settings.x, metrics[0] ?? "");
  const question = {
    run_ids: asked,
    metrics,
    x,
    buckets,
    ...(joined && { joined }),
    ...(settings.range && { range: settings.range }),
    ...(settings.smoothing > 0 && { smoothing: settings.smoothing }),
  };
  const key = useRef<string | null>(null);
  if (inView) key.current = asked.length === 0 ? null : `${JSON.stringify(question)} ${version}`;
  return useAsk(key.current, (signal) => readCurves(question, signal));
}

/** Curves as they are drawn in a scene. */
export function useDrawing(scene: Scene, curves: Curves | undefined, axis: XKind, wish: ScaleWish): Drawing | null {
  const { hidden } = scene;
  const mean = isMean(scene);
  const { log, cut, limits } = wish;
  const strands = useMemo(() => {
    const all = curves ? strandsOf(curves, hidden, axis === "relative" || axis === "wall") : [];
    return curves && mean ? meanStrands(all, curves.x) : all;
  }, [curves, hidden, axis, mean]);
  return useMemo(() => {
    if (curves === undefined) return null;
    const odd = oddMarks(curves.series.filter(({ run_id }) => !hidden.has(run_id)), curves.x.length);
    return arrange(curves.x, strands, scaleOf(strands, wish), odd);
  }, [strands, log, cut, limits?.join()]);
}
