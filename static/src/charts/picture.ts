// What a chart shows, of curves and of what was chosen for them. Pure.

import type { Drawing } from "./arrange.ts";
import type { LineInk, Picture } from "./engine.ts";
import type { Curves } from "./feed.ts";
import type { Fork } from "../lib/forks.ts";
import { idleRanges } from "./idle.ts";
import { isShown } from "./origin.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import type { XKind } from "./ticks.ts";

/** What a picture is made of. */
export interface Shown {
  card: Card;
  scene: Pick<Scene, "settings" | "hidden"> & { forks: ReadonlyMap<string, Pick<Fork, "step">> };
  curves: Curves;
  drawing: Drawing;
  axis: XKind;
  inkOf: (run: string, metric: string) => LineInk;
  lifted: string | null;
  pinned: number | null;
  utc: boolean;
}

export function pictureOf({ card, scene, curves, drawing, axis, inkOf, lifted, pinned, utc }: Shown): Picture {
  return {
    drawing,
    kind: axis,
    range: (curves.overTime ? null : scene.settings.range) ?? extentOf(curves),
    shared: curves.overTime ? null : scene.settings.x,
    inkOf,
    lifted,
    pinned,
    attempts: [...new Set([...attemptsOf(curves, axis, scene.hidden), ...forkSteps(scene, axis)])],
    idle: card.metrics.length === 1 ? idleRanges(card.id, drawing.strands, drawing.x) : [],
    offsetMs: utc ? 0 : -new Date(drawing.x[0] ?? 0).getTimezoneOffset() * 60_000,
  };
}

/** All of x that there are values for. Buckets are drawn at their middles. */
function extentOf({ x, grid }: Curves): readonly [number, number] {
  const half = (grid?.width ?? 0) / 2;
  const [first = 0, last = 1] = [x[0], x[x.length - 1]];
  return first < last ? [first - half, last + half] : [first - 1, first + 1];
}

/** Where the forks that are drawn left what is drawn before them. */
function forkSteps({ settings, forks, hidden }: Shown["scene"], axis: XKind): readonly number[] {
  if (!settings.origin || axis !== "step") return [];
  return [...forks].flatMap(([run, { step }]) => (step === null || hidden.has(run) ? [] : [step]));
}

/** Where attempts begin, but for the first, and forks: joined ones say it, and along time each is a segment. */
function attemptsOf({ series: all, x }: Curves, axis: XKind, hidden: ReadonlySet<string>): readonly number[] {
  const series = all.filter((one) => isShown(one, hidden));
  if (axis === "relative" || axis === "wall") return series.flatMap(({ segments }) => segments.slice(1).map(({ at }) => x[at?.[0] ?? 0] ?? 0));
  return series.flatMap(({ attempts, until }) => (until === undefined ? (attempts ?? []).slice(1).map(({ first_step }) => first_step) : [until]));
}
