// Parallel coordinates: an axis for each param, a line for each run, ranges that choose among them.

import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { counted, number } from "../../lib/format.ts";
import { change, place } from "../../state/router.ts";
import { faint, palette } from "../palette.ts";
import { relationText } from "./axes.ts";
import type { Ranked } from "./axes.ts";
import { brushBetween, readBrushes, runsIn, withBrush, writeBrushes } from "./brush.ts";
import type { Brush, Brushes } from "./brush.ts";
import { Chosen } from "./chosen.tsx";
import type { Column } from "./column.ts";
import { coloursOf, countsOf, logFields, Readout } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import { Drawn, Figure, useWidth } from "./figure.tsx";
import type { Table } from "./figure.tsx";
import { AxisHeads } from "./heads.tsx";
import { axesOf, axisShapes, layoutOf, linesOf, nearestLine, opacityOf } from "./lines.ts";
import type { Axis, Layout, Line } from "./lines.ts";
import { greatest, least } from "./scale.ts";
import { short } from "./shapes.ts";
import type { Picture, Shape } from "./shapes.ts";

/** The narrowest that an axis stands from the next, pixels. */
const LEAST_WIDTH = 100;
/** Half the width in which an axis is taken hold of, pixels. */
const HOLD = 14;
/** With fewer runs a correlation says little. */
const FEW = 10;
/** How far a pointer moves before it draws a range, pixels. */
const MOVED = 3;

/** `shown` are the axes from left to right, without that of the metric. */
export function Parallel(props: PlotProps & { shown: readonly Ranked[] }): JSX.Element {
  const { frame, metric, shown, hovered } = props;
  const columns = useMemo(() => [...shown.map(({ column }) => column), metric], [shown, metric]);
  const [box, width] = useWidth(columns.length * LEAST_WIDTH);
  const log = logFields(columns);
  const axes = useMemo(() => axesOf(columns, log, width), [columns, [...log].join(), width]);
  const layout = useMemo(() => layoutOf(axes, width), [axes, width]);
  const lines = useMemo(() => linesOf(axes, layout, frame.runs.length), [axes, layout, frame]);
  const colours = useMemo(() => coloursOf(frame, metric, palette.value), [frame, metric, palette.value]);
  const written = place.value.state.brush;
  const kept = useMemo(() => readBrushes(written), [written]);
  /** The ranges while one of them is drawn. */
  const live = useSignal<Brushes | null>(null);
  const brush = (id: string, wanted: Brush | null): void => change({ brush: writeBrushes(withBrush(kept, id, wanted)) });

  const name = `${metric.name} and what it goes with`;
  const chosen = (): readonly number[] => runsIn(frame.columns, kept, frame.runs.length);
  const picture = (): Picture => pictureOf(axes, layout, lines, chosen(), colours, shown);
  const near = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const among = runsIn(frame.columns, live.peek() ?? kept, frame.runs.length);
    const at = event.buttons === 0 ? nearestLine(axes, lines, among, event.clientX - left, event.clientY - top) : null;
    hovered.value = at === null ? null : (frame.runs[at]?.id ?? null);
  };
  return (
    <Figure name={name} notes={notesOf(props, axes)} tables={() => tablesOf(props, axes, chosen())} picture={picture}>
      <div class="parallel" ref={box}>
        <div style={{ width: `${width}px` }}>
          <AxisHeads {...props} axes={axes} brushes={kept} brush={brush} />
          <div class="parallel-lines" style={{ height: `${layout.height}px` }} onPointerMove={near} onPointerLeave={() => (hovered.value = null)}>
            <Lines lines={lines} layout={layout} colours={colours} frame={frame} live={live} kept={kept} />
            <Drawn {...layout} shapes={axisShapes(axes, layout, palette.value)} summary={summaryOf(props)}>
              <Lifted lines={lines} colours={colours} frame={frame} hovered={hovered} />
            </Drawn>
            <Handles axes={axes} layout={layout} live={live} kept={kept} brush={brush} />
          </div>
        </div>
      </div>
      <Readout frame={frame} columns={columns} hovered={hovered} />
      <Chosen {...props} live={live} kept={kept} />
    </Figure>
  );
}

/** The lines, on two canvases: all of them behind, which changes seldom, and those in the ranges. */
function Lines({ lines, layout, colours, frame, live, kept }: { lines: readonly Line[]; layout: Layout; colours: readonly string[]; frame: PlotProps["frame"]; live: Signal<Brushes | null>; kept: Brushes }): JSX.Element {
  const [back, front] = [useRef<HTMLCanvasElement>(null), useRef<HTMLCanvasElement>(null)];
  const paths = useMemo(() => lines.map(({ d }) => new Path2D(d)), [lines]);
  const brushes = live.value ?? kept;
  const isBrushed = brushes.size > 0;
  const colour = behind();
  useLayoutEffect(() => {
    const context = cleared(back.current, layout);
    if (context === null || !isBrushed) return;
    context.strokeStyle = colour;
    for (const path of paths) context.stroke(path);
  }, [paths, layout, isBrushed, colour]);
  useLayoutEffect(() => {
    const context = cleared(front.current, layout);
    if (context === null) return;
    const chosen = runsIn(frame.columns, brushes, frame.runs.length);
    context.globalAlpha = opacityOf(chosen.length);
    context.lineWidth = chosen.length > 60 ? 1 : 1.5;
    for (const run of chosen) {
      const path = paths[run];
      if (path === undefined) continue;
      context.strokeStyle = colours[run] ?? "";
      context.stroke(path);
    }
  }, [paths, layout, colours, brushes]);
  return (
    <>
      <canvas ref={back} aria-hidden="true" />
      <canvas ref={front} aria-hidden="true" />
    </>
  );
}

/** The colour of lines that are in no range. */
function behind(): string {
  return faint(palette.value.soft, 0.14);
}

/** The context of an empty canvas of this size. */
function cleared(canvas: HTMLCanvasElement | null, { width, height }: Layout): CanvasRenderingContext2D | null {
  const context = canvas?.getContext("2d") ?? null;
  if (canvas === null || context === null) return null;
  const scale = devicePixelRatio;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  // Setting the size takes a new canvas, which is dear.
  if (canvas.width !== wide || canvas.height !== high) {
    [canvas.width, canvas.height] = [wide, high];
    [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** The line of the run that is pointed at. */
function Lifted({ lines, colours, frame, hovered }: { lines: readonly Line[]; colours: readonly string[]; frame: PlotProps["frame"]; hovered: Signal<string | null> }): JSX.Element | null {
  const at = frame.runs.findIndex(({ id }) => id === hovered.value);
  const line = lines[at];
  if (line === undefined) return null;
  return (
    <>
      <path d={line.d} fill="none" stroke={palette.value.surface} stroke-width={6} />
      <path d={line.d} fill="none" stroke={colours[at] ?? ""} stroke-width={3} />
    </>
  );
}

/** The ranges, and where they are drawn: along an axis, a click takes its range away. */
function Handles({ axes, layout, live, kept, brush }: { axes: readonly Axis[]; layout: Layout; live: Signal<Brushes | null>; kept: Brushes; brush: (id: string, brush: Brush | null) => void }): JSX.Element {
  const began = useRef<number | null>(null);
  const brushes = live.value ?? kept;
  const { top, bottom } = layout;
  const valueAt = ({ scale }: Axis, y: number): number => scale.back(Math.min(1, Math.max(0, (bottom - y) / (bottom - top))));
  const heightOf = (event: PointerEvent & { currentTarget: HTMLElement }): number => event.clientY - event.currentTarget.getBoundingClientRect().top;
  return (
    <div aria-hidden="true">
      {axes.map((axis) => {
        const { id } = axis.column;
        const own = brushes.get(id);
        const range = own === undefined ? null : rangeOf(axis, own, layout);
        const drawn = (event: PointerEvent & { currentTarget: HTMLElement }): Brush | null | undefined => {
          if (began.current === null || Math.abs(heightOf(event) - began.current) < MOVED) return undefined;
          return brushBetween(axis.column, valueAt(axis, began.current), valueAt(axis, heightOf(event)));
        };
        return (
          <div
            key={id}
            class="parallel-handle"
            data-axis={axis.column.name}
            style={{ left: `${axis.x - HOLD}px`, width: `${2 * HOLD}px` }}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              began.current = heightOf(event);
            }}
            onPointerMove={(event) => {
              const next = drawn(event);
              if (next !== undefined) live.value = withBrush(kept, id, next);
            }}
            onPointerUp={(event) => {
              const next = drawn(event);
              if (next !== undefined || own !== undefined) brush(id, next ?? null);
              began.current = live.value = null;
            }}
            onPointerCancel={() => (began.current = live.value = null)}
          >
            {range && <div class="parallel-range" style={{ top: `${range[0]}px`, height: `${range[1] - range[0]}px` }} />}
          </div>
        );
      })}
    </div>
  );
}

/** Where a range begins and ends, in pixels from the top. */
function rangeOf({ column, scale }: Axis, brush: Brush, { top, bottom }: Layout): readonly [number, number] | null {
  const height = (at: number): number => bottom - Math.min(1, Math.max(0, at)) * (bottom - top);
  if ("from" in brush) {
    const [from, to] = [scale.at(brush.from), scale.at(brush.to)];
    if (Number.isNaN(to) && Number.isFinite(brush.to)) return null;
    // What has no end, or begins where a logarithmic axis does not reach, goes to the end of the axis.
    return [height(Number.isNaN(to) ? 1 : to), height(Number.isNaN(from) ? 0 : from)];
  }
  const places = brush.texts.map((text) => column.texts.indexOf(text)).filter((at) => at >= 0);
  if (places.length === 0) return null;
  const half = 0.4 / column.texts.length;
  return [height(scale.at(greatest(places)) + half), height(scale.at(least(places)) - half)];
}

/** All of it as shapes, for a file. */
function pictureOf(axes: readonly Axis[], layout: Layout, lines: readonly Line[], chosen: readonly number[], colours: readonly string[], shown: readonly Ranked[]): Picture {
  const head = 34;
  const colour = palette.value;
  const isChosen = new Set(chosen);
  const titles = axes.flatMap(({ column, x }, at): Shape[] => {
    const relation = shown[at]?.relation;
    return [
      { kind: "text", x, y: layout.height + 14, text: short(column.name), fill: colour.text, anchor: "middle" },
      ...(relation ? [{ kind: "text", x, y: layout.height + 28, text: `${relationText(relation)} · n ${relation.n}`, fill: colour.soft, anchor: "middle" } as const] : []),
    ];
  });
  const shapes: Shape[] = [
    ...lines.flatMap(({ d }, run): Shape[] => (isChosen.has(run) ? [] : [{ kind: "path", d, stroke: behind() }])),
    ...chosen.map((run): Shape => ({ kind: "path", d: lines[run]?.d ?? "", stroke: colours[run] ?? "", opacity: opacityOf(chosen.length) })),
    ...axisShapes(axes, layout, colour),
    ...titles,
  ];
  return { width: layout.width, height: layout.height + head, shapes };
}

/** What the drawing shows, for those who do not see it. */
function summaryOf({ frame, metric, shown }: PlotProps & { shown: readonly Ranked[] }): string {
  const strong = shown.filter(({ relation }) => relation.value !== null).slice(0, 3);
  const words = strong.map(({ column, relation }) => `${column.name} ${relationText(relation)}`).join(", ");
  return `${metric.name} of ${counted(frame.runs.length, "run")} over ${counted(shown.length, "axis", "axes")}, strongest: ${words === "" ? "none" : words}`;
}

function notesOf({ metric, shown }: PlotProps & { shown: readonly Ranked[] }, axes: readonly Axis[]): readonly string[] {
  const finite = metric.values.filter(Number.isFinite);
  const notes = [
    finite.length === 0 ? `None of these runs has a finite value of ${metric.name}: nothing can be ranked by it.` : "",
    finite.length > 0 && least(finite) === greatest(finite) ? `${metric.name} is ${number(finite[0] ?? 0)} in all runs that have it, so nothing correlates with it.` : "",
    finite.length > 0 && finite.length < FEW ? `With ${counted(finite.length, "run")} a strong correlation may be chance.` : "",
  ];
  const told = (what: string, counts: string): string => (counts === "" ? "" : `${what}: ${counts}.`);
  notes.push(
    told("Not set", countsOf(axes, ({ column }) => column.missing)),
    told("No finite number", countsOf(axes, ({ column }) => column.odd)),
    told("Not above 0, so below a logarithmic axis", countsOf(axes, ({ scale }) => scale.notPositive)),
    told("They go together", shown.flatMap(({ column, twins }) => (twins.length > 0 ? [`${column.name} and ${twins.slice(0, 3).join(", ")}${twins.length > 3 ? `, ${twins.length - 3} more` : ""}`] : [])).join("; ")),
  );
  notes.push("ρ: how far both rise and fall together, −1 to 1; η: how much texts tell of the metric, 0 to 1.");
  return notes.filter((note) => note !== "");
}

function tablesOf({ frame, metric, shown }: PlotProps & { shown: readonly Ranked[] }, axes: readonly Axis[], chosen: readonly number[]): readonly Table[] {
  const columns: readonly Column[] = axes.map(({ column }) => column);
  return [
    {
      title: "Axes",
      head: ["Axis", `Correlation with ${metric.name}`, "Runs with both", "Values", "Not set", "Not a number"],
      rows: shown.map(({ column, relation }) => [column.name, relationText(relation), relation.n, valuesText(column), column.missing, column.odd]),
    },
    {
      title: "Runs in the ranges",
      head: ["Run", "Id", ...columns.map(({ name }) => name)],
      rows: chosen.map((run) => [frame.runs[run]?.name ?? "", frame.runs[run]?.id ?? "", ...columns.map(({ cells }) => cells[run] ?? null)]),
    },
  ];
}

function valuesText({ kind, values, texts }: Column): string {
  if (kind !== "number") return counted(texts.length, "text");
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? "" : `${number(least(finite))} to ${number(greatest(finite))}`;
}
