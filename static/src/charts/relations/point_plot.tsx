// A drawing with a point for each run: pointing at one says which run it is, a click opens it; arrow keys and Enter do the same.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { runRoute } from "../../state/place.ts";
import { go } from "../../state/router.ts";
import { palette } from "../palette.ts";
import type { Column } from "./column.ts";
import { Readout } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import { Drawn } from "./figure.tsx";
import { least } from "./scale.ts";
import type { Scale } from "./scale.ts";
import { short } from "./shapes.ts";
import type { Picture, Shape } from "./shapes.ts";

export interface Point {
  /** The place of the run in the frame. */
  run: number;
  x: number;
  y: number;
}

/** How near a pointer must be to a point, pixels. */
const NEAR = 12;

/** `points` in the order in which the keys go through them; `told` is what is said of a run. */
export function PointPlot({
  frame,
  hovered,
  picture,
  points,
  summary,
  told,
}: PlotProps & { picture: Picture; points: readonly Point[]; summary: string; told: readonly Column[] }): JSX.Element {
  const [byKey, setByKey] = useState(false);
  const at = points.findIndex(({ run }) => frame.runs[run]?.id === hovered.value);
  const point = points[at];
  const open = (): void => {
    const run = point && frame.runs[point.run];
    if (run) go(runRoute(run.experiment ?? "", run.id));
  };
  const lift = (next: Point | undefined): void => {
    hovered.value = next === undefined ? null : (frame.runs[next.run]?.id ?? null);
  };
  const press = (event: KeyboardEvent): void => {
    const places: Readonly<Record<string, number>> = { ArrowRight: at + 1, ArrowLeft: at < 0 ? points.length - 1 : at - 1, Home: 0, End: points.length - 1 };
    const next = places[event.key];
    if (event.key === "Enter") open();
    else if (next === undefined) return;
    else {
      setByKey(true);
      lift(points[(next + points.length) % points.length]);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const near = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const distance = ({ x, y }: Point): number => Math.hypot(x - (event.clientX - left), y - (event.clientY - top));
    const shortest = least(points.map(distance));
    setByKey(false);
    lift(shortest <= NEAR ? points.find((one) => distance(one) === shortest) : undefined);
  };
  return (
    <>
      <div
        class="point-plot"
        tabIndex={0}
        role="group"
        aria-label="Arrow keys go from run to run, Enter opens one"
        style={{ height: `${picture.height}px`, cursor: point ? "pointer" : "default" }}
        onKeyDown={press}
        onPointerMove={near}
        onPointerLeave={() => lift(undefined)}
        onClick={open}
      >
        <Drawn {...picture} summary={summary}>
          {point && <circle cx={point.x} cy={point.y} r={8} fill="none" stroke={palette.value.text} stroke-width={2} />}
        </Drawn>
      </div>
      <Readout frame={frame} columns={told} hovered={hovered} byKey={byKey} />
    </>
  );
}

/** The box in which points lie, in pixels. */
export interface Room {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** What is free at the right of a plot at least, and about as wide as a letter of a label is, pixels. */
const EDGE = 16;
const LETTER = 6.5;

export function roomOf(width: number, height: number, right = EDGE): Room {
  return { left: 76, right: width - right, top: 12, bottom: height - 44 };
}

/** Two axes with their ticks and names. */
export function frameShapes({ left, right, top, bottom }: Room, x: Scale, xName: string, y: Scale, yName: string): readonly Shape[] {
  const { soft, text, line } = palette.value;
  const shapes: Shape[] = [];
  for (const tick of y.ticks) {
    const height = bottom - tick.at * (bottom - top);
    shapes.push({ kind: "path", d: `M${left} ${height}H${right}`, stroke: line });
    shapes.push({ kind: "text", x: left - 6, y: height + 4, text: short(tick.text, 9), fill: text, anchor: "end" });
  }
  for (const tick of x.ticks) {
    const at = left + tick.at * (right - left);
    shapes.push({ kind: "path", d: `M${at} ${bottom}v4`, stroke: soft });
    const label = short(tick.text, Math.max(4, Math.floor((right - left) / Math.max(1, x.ticks.length) / 7)));
    // The last one is not cut off at the edge.
    shapes.push({ kind: "text", x: Math.min(at, right + EDGE - (label.length * LETTER) / 2), y: bottom + 17, text: label, fill: text, anchor: "middle" });
  }
  shapes.push({ kind: "path", d: `M${left} ${top}V${bottom}H${right}`, stroke: soft });
  shapes.push({ kind: "text", x: (left + right) / 2, y: bottom + 36, text: short(xName, 60), fill: text, anchor: "middle" });
  shapes.push({ kind: "text", x: 14, y: (top + bottom) / 2, text: short(yName, 40), fill: text, anchor: "middle", turned: true });
  return shapes;
}
