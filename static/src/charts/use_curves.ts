// What a card asks for, and how it is drawn.

import { useMemo, useRef } from "preact/hooks";
import { useAsk } from "../state/ask.ts";
import type { Asked } from "../state/ask.ts";
import { arrange, oddMarks } from "./arrange.ts";
import type { Drawing } from "./arrange.ts";
import { readCurves } from "./feed.ts";
import type { Curves } from "./feed.ts";
import { scaleOf } from "./range.ts";
import type { ScaleWish } from "./range.ts";
import { isShown, partsFor } from "./origin.ts";
import { isMean } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { axisOf } from "./settings.ts";
import type { XKind } from "./ticks.ts";
import { meanStrands, strandsOf } from "./strands.ts";

/** The curves of some metrics. A card out of view keeps what it has and asks for nothing. */
export function useCurves(scene: Scene, metrics: readonly string[], inView: boolean): Asked<Curves> {
  const { settings, asked, buckets, version, hidden } = scene;
  const { x, joined, kind } = axisOf(settings.x, metrics[0] ?? "");
  const parts = partsFor(scene.parts, kind, metrics);
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
  const before = parts.length === 0 ? "" : JSON.stringify([parts, ...hidden]);
  if (inView) key.current = asked.length === 0 ? null : `${JSON.stringify(question)} ${version} ${before}`;
  return useAsk(key.current, (signal) => readCurves(question, signal, parts, hidden));
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
    const odd = oddMarks(curves.series.filter((series) => isShown(series, hidden)), curves.x.length);
    return arrange(curves.x, strands, scaleOf(strands, wish), odd);
  }, [strands, log, cut, limits?.join()]);
}
