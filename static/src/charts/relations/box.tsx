// A box for each value of a param, of a metric.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { counted, number, whole } from "../../lib/format.ts";
import { Empty } from "../../parts/states.tsx";
import { faint, palette } from "../palette.ts";
import type { Column } from "./column.ts";
import { isLog } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import { FIGURE_EDGES, Figure, namesOf, useWidth } from "./figure.tsx";
import type { Table } from "./figure.tsx";
import { groupRefusal, groupsOf } from "./groups.ts";
import type { Group } from "./groups.ts";
import { PointPlot, roomOf, frameShapes } from "./point_plot.tsx";
import type { Room, Point } from "./point_plot.tsx";
import { scaleOf } from "./scale.ts";
import type { Scale } from "./scale.ts";
import type { Picture, Shape } from "./shapes.ts";
import { boxOf } from "./statistics.ts";
import type { BoxFacts } from "./statistics.ts";

const HEIGHT = 380;
/** Fewer values make no box; up to so many are drawn beside theirs. */
const FEWEST = 5;
const POINTS = 30;
/** Half the width of a box, pixels. */
const HALF = 34;

interface Boxed extends Group {
  /** Null where there are too few values. */
  box: BoxFacts | null;
}

export function Box(props: PlotProps & { by: Column }): JSX.Element {
  const { frame, metric, by } = props;
  const refusal = groupRefusal(by);
  const boxes = useMemo(() => (refusal === null ? groupsOf(by, metric).map((group) => ({ ...group, box: boxIn(group, metric) })) : []), [by, metric, refusal]);
  const [box, width] = useWidth(Math.max(280, boxes.length * 62 + 90), FIGURE_EDGES);
  const scale = scaleOf(metric, isLog(metric), 6);
  const field = roomOf(width, HEIGHT);
  const points = boxes.flatMap((boxed, place) => pointsOf(boxed, centre(field, place, boxes.length), metric, scale, field));
  const picture: Picture = { width, height: HEIGHT, shapes: shapesOf(boxes, points, metric, by, scale, field) };
  const lacking = frame.runs.filter((_, run) => !Number.isFinite(metric.values[run] ?? Number.NaN)).map(({ name }) => name);
  const few = boxes.filter((one) => one.box === null && one.runs.length > 0).map(({ name }) => name);
  const notes = [
    lacking.length > 0 ? `${counted(lacking.length, "run")} without a finite ${metric.name}: ${namesOf(lacking)}.` : "",
    few.length > 0 ? `Fewer than ${FEWEST} values make no box, so only points: ${few.join(", ")}.` : "",
    scale.notPositive > 0 ? `${counted(scale.notPositive, "value")} not above 0, so not on a logarithmic axis; boxes count them.` : "",
    "Boxes: quartiles (linear between values), median, whiskers to the furthest value within 1.5 times the box.",
  ].filter((note) => note !== "");
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Boxes">
      <div ref={box}>
        {refusal !== null || lacking.length === frame.runs.length ? (
          <Empty title={refusal ?? `No run has a finite value of ${metric.name}.`} />
        ) : (
          <Figure name={`${metric.name} by ${by.name}`} notes={notes} tables={() => [tableOf(boxes, metric, by)]} picture={() => picture}>
            <PointPlot {...props} picture={picture} points={points} summary={summaryOf(boxes, metric, by)} told={[metric, by, ...props.ranked.slice(0, 6).map(({ column }) => column).filter((column) => column !== by)]} />
          </Figure>
        )}
      </div>
    </div>
  );
}

function boxIn({ runs }: Group, { values }: Column): BoxFacts | null {
  return runs.length < FEWEST ? null : boxOf(runs.map((run) => values[run] ?? Number.NaN));
}

function centre({ left, right }: Room, place: number, boxes: number): number {
  return left + ((place + 0.5) * (right - left)) / boxes;
}

/** Every value where these are few, else those beyond the whiskers; side by side, so that equal ones are told apart. */
function pointsOf({ runs, box }: Boxed, middle: number, { values }: Column, scale: Scale, { top, bottom }: Room): readonly Point[] {
  const shown = runs.filter((run) => {
    const value = values[run] ?? Number.NaN;
    return box === null || runs.length <= POINTS || value < box.whiskers[0] || value > box.whiskers[1];
  });
  return shown.flatMap((run, place) => {
    const at = scale.at(values[run] ?? Number.NaN);
    const aside = shown.length === 1 ? 0 : ((place % 7) - 3) * 5;
    return Number.isFinite(at) ? [{ run, x: middle + aside, y: bottom - at * (bottom - top) }] : [];
  });
}

function shapesOf(boxes: readonly Boxed[], points: readonly Point[], metric: Column, by: Column, scale: Scale, field: Room): readonly Shape[] {
  const { accent, surface, text } = palette.value;
  const { top, bottom } = field;
  const height = (value: number): number => bottom - (scale.at(value) || 0) * (bottom - top);
  const groups: Scale = { ...scale, ticks: boxes.map(({ name, runs }, place) => ({ at: (place + 0.5) / boxes.length, text: `${name} (${whole(runs.length)})` })) };
  const half = Math.min(HALF, ((field.right - field.left) / Math.max(1, boxes.length)) * 0.4);
  const drawn = boxes.flatMap(({ box }, place): Shape[] => {
    if (box === null) return [];
    const x = centre(field, place, boxes.length);
    const [low, high] = box.whiskers;
    const whisker = (from: number, to: number): string => `M${x} ${height(from)}V${height(to)}M${x - half / 2} ${height(to)}H${x + half / 2}`;
    return [
      { kind: "path", d: whisker(box.low, low) + whisker(box.high, high), stroke: accent, width: 1.5 },
      { kind: "path", d: `M${x - half} ${height(box.low)}H${x + half}V${height(box.high)}H${x - half}Z`, stroke: accent, fill: faint(accent, 0.14), width: 1.5 },
      { kind: "path", d: `M${x - half} ${height(box.median)}H${x + half}`, stroke: accent, width: 3 },
    ];
  });
  const dots = points.map(({ x, y }): Shape => ({ kind: "dot", x, y, r: 3.5, fill: text, stroke: surface }));
  return [...frameShapes(field, groups, by.name, scale, metric.name), ...drawn, ...dots];
}

function summaryOf(boxes: readonly Boxed[], metric: Column, by: Column): string {
  const words = boxes.map(({ name, runs, box }) => `${name}: n ${whole(runs.length)}${box === null ? "" : `, median ${number(box.median)}`}`);
  return `${metric.name} by ${by.name}, ${counted(boxes.length, "group")}; ${words.join("; ")}`;
}

function tableOf(boxes: readonly Boxed[], metric: Column, by: Column): Table {
  return {
    title: "Boxes",
    head: [by.name, `Values of ${metric.name}`, "Least", "Lower whisker", "First quartile", "Median", "Third quartile", "Upper whisker", "Greatest"],
    rows: boxes.map(({ name, runs, box }) => {
      if (box !== null) return [name, box.n, box.least, box.whiskers[0], box.low, box.median, box.high, box.whiskers[1], box.greatest];
      const values = runs.map((run) => metric.values[run] ?? Number.NaN).sort((one, other) => one - other);
      return [name, runs.length, values[0] ?? null, null, null, null, null, null, values.at(-1) ?? null];
    }),
  };
}
