// A metric as a height over two numbers: areas between lines of equal height, with the runs on top.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { counted, number } from "../../lib/format.ts";
import { palette, ramped } from "../palette.ts";
import { ticks } from "../ticks.ts";
import { isLog, rampShapes } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import { FIGURE_EDGES, Figure, namesOf, useWidth } from "./figure.tsx";
import { PointPlot, roomOf, frameShapes } from "./point_plot.tsx";
import type { Room } from "./point_plot.tsx";
import { Scatter, placed, tableOf } from "./scatter.tsx";
import type { Axes } from "./scatter.tsx";
import { greatest, least, scaleOf } from "./scale.ts";
import { pathThrough } from "./shapes.ts";
import type { Shape } from "./shapes.ts";
import { lineAt, partAbove, refusalOf, sitesOf, trianglesOf } from "./surface.ts";
import type { Site, Triangle } from "./surface.ts";

const HEIGHT = 420;
/** Lines of equal height, about. */
const LEVELS = 8;

export function Contour(props: PlotProps & Axes & { colour: NonNullable<Axes["colour"]> }): JSX.Element {
  const { frame, x, y, colour: z } = props;
  const [box, width] = useWidth(280, FIGURE_EDGES);
  const [xLog, yLog] = [isLog(x), isLog(y)];
  const [xScale, yScale] = useMemo(() => [scaleOf(x, xLog, Math.max(2, Math.floor(width / 90))), scaleOf(y, yLog, 6)] as const, [x, y, width, xLog, yLog]);
  const { points, left } = useMemo(() => placed(props, xScale, yScale), [frame, x, y, xScale, yScale]);
  const known = points.filter(({ run }) => Number.isFinite(z.values[run] ?? Number.NaN));
  const sites = useMemo(() => sitesOf(known.map((point) => ({ ...point, z: z.values[point.run] ?? 0 }))), [points, z]);
  const clash = new Set([x.id, y.id, z.id]).size < 3 ? "A contour needs three different columns." : null;
  const refusal = clash ?? refusalOf(sites, z.name);
  const triangles = useMemo(() => (refusal === null ? trianglesOf(sites) : []), [sites, refusal]);
  if (refusal !== null || triangles.length === 0) {
    return (
      <div ref={box}>
        <Scatter {...props} instead={`${refusal ?? "These points have no surface between them."} The runs are shown as points.`} />
      </div>
    );
  }
  const field = roomOf(width, HEIGHT, 84);
  const levels = levelsOf(sites);
  const [wide, high] = [field.right - field.left, field.bottom - field.top];
  const dots = known.map(({ run, ...at }) => ({ run, x: field.left + at.x * wide, y: field.bottom - at.y * high }));
  const shapes: Shape[] = [
    ...surfaceShapes(triangles, sites, levels, field),
    ...frameShapes(field, xScale, x.name, yScale, y.name).filter((shape) => shape.kind !== "path" || shape.stroke !== palette.value.line),
    ...dots.map((dot): Shape => ({ kind: "dot", x: dot.x, y: dot.y, r: dots.length > 100 ? 2.5 : 4, fill: palette.value.surface, stroke: palette.value.text })),
    ...rampShapes({ ...z, values: sites.map((site) => site.z) }, field.right + 14, field.top, field.bottom, palette.value),
  ];
  const picture = { width, height: HEIGHT, shapes };
  const without = points.filter((point) => !known.includes(point)).map(({ run }) => frame.runs[run]?.name ?? "");
  const shared = sites.filter(({ runs }) => runs.length > 1);
  const notes = [
    ...left,
    without.length > 0 ? `${counted(without.length, "run")} without a finite ${z.name}: ${namesOf(without)}.` : "",
    shared.length > 0 ? `At ${counted(shared.length, "point")} there are several runs; the height is their mean.` : "",
    "Between neighbouring runs the height is taken as straight; outside of them nothing is known.",
  ].filter((note) => note !== "");
  return (
    <div ref={box}>
      <Figure name={`${z.name} over ${x.name} and ${y.name}`} notes={notes} tables={() => [tableOf(props, known)]} picture={() => picture}>
        <PointPlot {...props} picture={picture} points={dots} summary={summaryOf(props, sites, levels)} told={[x, y, z]} />
      </Figure>
    </div>
  );
}

function levelsOf(sites: readonly Site[]): readonly number[] {
  const heights = sites.map(({ z }) => z);
  const [low, high] = [least(heights), greatest(heights)];
  return ticks(low, high, LEVELS, "value").filter((level) => level > low && level < high);
}

/** What is at least as high as a level lies above what is lower; as one path each, so that triangles leave no gaps. */
function surfaceShapes(triangles: readonly Triangle[], sites: readonly Site[], levels: readonly number[], { left, right, top, bottom }: Room): readonly Shape[] {
  const heights = sites.map(({ z }) => z);
  const [low, high] = [least(heights), greatest(heights)];
  const at = ([x, y]: readonly [number, number, number]): [number, number] => [left + x * (right - left), bottom - y * (bottom - top)];
  const areas = [low, ...levels].map((level, place): Shape => {
    const middle = (level + ([...levels, high][place] ?? high)) / 2;
    const d = triangles.map((triangle) => partAbove(triangle, level)).filter((corners) => corners.length > 2).map((corners) => pathThrough(corners.map(at), true));
    return { kind: "path", d: d.join(""), fill: ramped(palette.value, (middle - low) / (high - low)) };
  });
  const lines = levels.map((level): Shape => {
    const d = triangles.map((triangle) => lineAt(triangle, level)).filter((line) => line !== null).map((line) => pathThrough(line.map(at)));
    return { kind: "path", d: d.join(""), stroke: palette.value.surface };
  });
  return [...areas, ...lines];
}

function summaryOf({ frame, x, y, colour }: PlotProps & Axes, sites: readonly Site[], levels: readonly number[]): string {
  const heights = sites.map(({ z }) => z);
  const lowest = sites.find(({ z }) => z === least(heights));
  const run = frame.runs[lowest?.runs[0] ?? -1]?.name ?? "";
  const lines = levels.length === 0 ? "no line of equal height" : `lines at ${levels.map(number).join(", ")}`;
  return `${colour?.name ?? ""} over ${x.name} and ${y.name}, ${counted(sites.length, "point")}, ${number(least(heights))} to ${number(greatest(heights))}, ${lines}, lowest ${run}`;
}
