// Runs as points over two numbers, with a third as their colour.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { counted, number, whole } from "../../lib/format.ts";
import { Empty } from "../../parts/states.tsx";
import { palette } from "../palette.ts";
import { relationText } from "./axes.ts";
import type { Column } from "./column.ts";
import { coloursBy, coloursOf, logFields, rampShapes } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import { FIGURE_EDGES, Figure, namesOf, useWidth } from "./figure.tsx";
import type { Table } from "./figure.tsx";
import { PointPlot, roomOf, frameShapes } from "./point_plot.tsx";
import type { Point } from "./point_plot.tsx";
import { greatest, least, scaleOf } from "./scale.ts";
import type { Scale } from "./scale.ts";
import type { Picture, Shape } from "./shapes.ts";
import { relationOf } from "./statistics.ts";

const HEIGHT = 400;

export interface Axes {
  x: Column;
  y: Column;
  /** What colours stand for; null for nothing. */
  colour: Column | null;
}

/** `instead` says why this is shown in the place of something else. */
export function Scatter(props: PlotProps & Axes & { instead?: string }): JSX.Element {
  const { frame, x, y, colour, instead } = props;
  const [box, width] = useWidth(240, FIGURE_EDGES);
  const log = logFields([x, y, ...(colour ? [colour] : [])]);
  const [xScale, yScale] = useMemo(() => [scaleOf(x, log.has(x.id), Math.max(2, Math.floor(width / 90))), scaleOf(y, log.has(y.id), 6)] as const, [x, y, width, [...log].join()]);
  const { points, left } = placed(props, xScale, yScale);
  const field = roomOf(width, HEIGHT, colour ? 84 : 16);
  const [wide, high] = [field.right - field.left, field.bottom - field.top];
  const dots: readonly Point[] = points.map((one) => ({ run: one.run, x: field.left + one.x * wide, y: field.bottom - one.y * high }));
  const inks = useMemo(() => (colour ? coloursBy(colour, scaleOf(colour, log.has(colour.id), 2), palette.value) : coloursOf(frame, y, palette.value)), [colour, frame, y, palette.value, [...log].join()]);
  const shapes: Shape[] = [
    ...frameShapes(field, xScale, x.name, yScale, y.name),
    ...dots.map((dot): Shape => ({ kind: "dot", x: dot.x, y: dot.y, r: dots.length > 300 ? 3 : 4.5, fill: inks[dot.run] ?? "", stroke: palette.value.surface })),
    ...(colour ? rampShapes(colour, field.right + 14, field.top, field.bottom, palette.value) : []),
  ];
  const picture: Picture = { width, height: HEIGHT, shapes };
  const name = `${y.name} over ${x.name}`;
  const notes = [instead ?? "", ...left, colour === null || colour.values.every(Number.isFinite) ? "" : `Grey: no finite value of ${colour.name}.`];
  const told = [x, y, ...(colour ? [colour] : []), ...props.ranked.slice(0, 6).map(({ column }) => column)];
  return (
    <div ref={box}>
      {points.length === 0 ? (
        <Empty title={`No run has both ${x.name} and ${y.name} as finite numbers.`} />
      ) : (
        <Figure name={name} notes={notes.filter((note) => note !== "")} tables={() => [tableOf(props, points)]} picture={() => picture}>
          <PointPlot {...props} picture={picture} points={dots} summary={summaryOf(props, points)} told={[...new Set(told)]} />
        </Figure>
      )}
    </div>
  );
}

/** The runs that have a place, from left to right, places from 0 to 1; and what is to be said of the others. */
export function placed({ frame, x, y }: PlotProps & Axes, xScale: Scale, yScale: Scale): { points: readonly Point[]; left: readonly string[] } {
  const points: Point[] = [];
  const without: string[] = [];
  const notPositive: string[] = [];
  for (const [run, { name }] of frame.runs.entries()) {
    const [one = Number.NaN, other = Number.NaN] = [x.values[run], y.values[run]];
    const at = { run, x: xScale.at(one), y: yScale.at(other) };
    if (Number.isFinite(at.x) && Number.isFinite(at.y)) points.push(at);
    else (Number.isFinite(one) && Number.isFinite(other) ? notPositive : without).push(name);
  }
  const said = (names: readonly string[], what: string): string[] => (names.length > 0 ? [`${counted(names.length, "run")} ${what}: ${namesOf(names)}.`] : []);
  points.sort((one, other) => one.x - other.x || one.y - other.y);
  return { points, left: [...said(without, `without a finite ${x.name} or ${y.name}`), ...said(notPositive, "not above 0 on a logarithmic axis")] };
}

function summaryOf({ x, y, colour }: Axes, points: readonly Point[]): string {
  const of = (column: Column): string => {
    const values = points.map(({ run }) => column.values[run] ?? Number.NaN).filter(Number.isFinite);
    return values.length === 0 ? `${column.name} nowhere` : `${column.name} ${number(least(values))} to ${number(greatest(values))}`;
  };
  const relation = relationOf(x, y);
  const correlation = relation.value === null ? `no rank correlation: ${relation.why ?? ""}` : `rank correlation ${relationText(relation)}, n ${whole(relation.n)}`;
  return [counted(points.length, "run"), of(x), of(y), ...(colour ? [`colour ${of(colour)}`] : []), correlation].join(", ");
}

export function tableOf({ frame, x, y, colour }: PlotProps & Axes, points: readonly Point[]): Table {
  const columns = [x, y, ...(colour ? [colour] : [])];
  return {
    title: "Points",
    head: ["Run", "Id", ...columns.map(({ name }) => name)],
    rows: points.map(({ run }) => [frame.runs[run]?.name ?? "", frame.runs[run]?.id ?? "", ...columns.map(({ cells }) => cells[run] ?? null)]),
  };
}
