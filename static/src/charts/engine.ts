// A drawing on a canvas, by uPlot. Everything of uPlot that others see goes through here.

import uPlot from "uplot";
import type { Drawing, Stroke } from "./arrange.ts";
import { dragOptions, listen, selected } from "./gestures.ts";
import type { Gestures } from "./gestures.ts";
import { drawMarks, drawShades, drawVerticals } from "./marks.ts";
import { faint, palette } from "./palette.ts";
import { CHARACTER, DOT, FAINT_BAND, LIFTED_WIDTH, RIGHT, WIDTH, X_AXIS, X_TICK, Y_AXIS, Y_TICK, alphaOf, valueTicks, yAxisWidth } from "./strength.ts";
import { ticks, valueLabels, xLabels } from "./ticks.ts";
import type { XKind } from "./ticks.ts";

/** How a line is drawn: the place of its hue, and its dashes in pixels. */
export interface LineInk {
  hue: number;
  dash: readonly number[];
}

/** What a chart shows. */
export interface Picture {
  drawing: Drawing;
  kind: XKind;
  /** What of x is shown. */
  range: readonly [number, number];
  /** Charts with the same word share their cursor; null stands for itself, and x cannot be zoomed. */
  shared: string | null;
  inkOf: (run: string, metric: string) => LineInk;
  /** The run that is lifted out. */
  lifted: string | null;
  pinned: number | null;
  attempts: readonly number[];
  idle: readonly (readonly [number, number])[];
  /** What the clock of the zone is ahead of UTC, ms. */
  offsetMs: number;
}

/** Where the cursor is: in units of both axes, and in pixels of a chart that is so wide. */
export interface Cursor {
  x: number;
  y: number;
  left: number;
  top: number;
  width: number;
  /** Whether it is this chart that is pointed at, and not another that shares its cursor. */
  own: boolean;
}

export interface Events extends Gestures {
  point: (cursor: Cursor | null) => void;
}

/** A chart in the document, until it is destroyed. */
export class Plot {
  private plot: uPlot;
  private structure: string;
  /** Whether the axes have been given their ends, which later changes bring along. */
  private isMade = false;
  private isByKey = false;

  constructor(
    private readonly host: HTMLElement,
    private picture: Picture,
    private readonly events: Events,
  ) {
    this.structure = structureOf(picture);
    this.plot = this.make();
  }

  /** Shows something else. */
  update(picture: Picture): void {
    const before = this.picture;
    this.picture = picture;
    const structure = structureOf(picture);
    if (structure !== this.structure) {
      this.structure = structure;
      this.plot.destroy();
      this.plot = this.make();
      return;
    }
    this.lift();
    if (before.drawing === picture.drawing && before.range === picture.range) {
      this.plot.redraw(false);
      return;
    }
    this.plot.batch(() => {
      this.plot.setData(columnsOf(picture.drawing), false);
      // It gives axes the room of their words, and sets x to what it was; so what x is now comes after it.
      this.plot.redraw(true, true);
      this.plot.setScale("x", xEnds(picture));
      this.plot.setScale("y", yEnds(picture));
    });
  }

  /** Takes the size of its host, or the colours of another theme. */
  refresh(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === this.plot.width && height === this.plot.height) this.plot.redraw(false);
    else if (width > 0 && height > 0) this.plot.setSize({ width, height });
  }

  /** Puts the cursor at an x, or takes it away. */
  pointAt(x: number | null): void {
    const left = x === null ? -10 : this.plot.valToPos(x, "x");
    this.isByKey = true;
    this.plot.setCursor({ left, top: x === null ? -10 : this.plot.over.clientHeight / 2 });
    this.isByKey = false;
  }

  destroy(): void {
    this.plot.destroy();
  }

  private make(): uPlot {
    const { drawing, shared } = this.picture;
    this.isMade = false;
    const plot = new uPlot(
      {
        width: this.host.clientWidth,
        height: this.host.clientHeight,
        legend: { show: false },
        padding: [8, RIGHT, 0, 0],
        scales: {
          x: { time: false, range: (_plot, min, max) => (this.isMade ? [min, max] : pairOf(xEnds(this.picture))) },
          y: { distr: drawing.scale.log ? 3 : 1, range: () => pairOf(yEnds(this.picture)) },
        },
        axes: [this.xAxis(), this.yAxis()],
        series: [{}, ...drawing.strokes.map((stroke) => this.series(stroke))],
        bands: drawing.strokes.flatMap((stroke, index) => (stroke.role === "top" ? [{ series: [index + 1, index + 2] as [number, number] }] : [])),
        cursor: {
          ...dragOptions(shared !== null),
          y: false,
          points: { show: false },
          ...(shared !== null && { sync: { key: shared, scales: ["x", null], filters: { pub: (type: string) => type === "mousemove" || type === "mouseleave" } } }),
        },
        hooks: {
          drawClear: [(plot) => drawShades(plot, this.picture.idle)],
          draw: [(plot) => this.drawOver(plot)],
          setSelect: [(plot) => selected(plot, this.events)],
          setCursor: [(plot) => this.tellCursor(plot)],
        },
      },
      columnsOf(drawing),
      this.host,
    );
    listen(plot, shared !== null, this.events);
    this.plot = plot;
    this.isMade = true;
    this.lift();
    return plot;
  }

  private series(stroke: Stroke): uPlot.Series {
    const colour = (alpha: number): string => {
      const { hue } = this.picture.inkOf(stroke.run, stroke.metric);
      return faint(palette.peek().runs[hue] ?? palette.peek().text, alpha);
    };
    if (stroke.role === "top") return { fill: () => colour(FAINT_BAND), points: { show: false } };
    if (stroke.role === "bottom") return { points: { show: false } };
    const { dash } = this.picture.inkOf(stroke.run, stroke.metric);
    return {
      stroke: () => colour(1),
      width: stroke.role === "ghost" ? 1 : WIDTH,
      ...(dash.length > 0 && { dash: [...dash] }),
      points: {
        show: stroke.dots.length > 0,
        size: DOT,
        fill: () => colour(1),
        filter: (plot, index) => this.dotsWithin(plot, index),
      },
    };
  }

  /** The dots of a stroke that lie within what is shown. */
  private dotsWithin(plot: uPlot, index: number): number[] {
    const dots = this.picture.drawing.strokes[index - 1]?.dots ?? [];
    const { min, max } = plot.scales["x"] ?? {};
    const { x } = this.picture.drawing;
    return dots.filter((place) => (x[place] ?? 0) >= (min ?? -Infinity) && (x[place] ?? 0) <= (max ?? Infinity));
  }

  /** Gives every stroke the strength that it has now. */
  private lift(): void {
    const { lifted, drawing } = this.picture;
    const someone = drawing.strokes.some(({ run }) => run === lifted);
    drawing.strokes.forEach((stroke, index) => {
      const series = this.plot.series[index + 1];
      if (!series) return;
      series.alpha = alphaOf(stroke, someone ? lifted : null);
      if (stroke.role === "line") series.width = someone && stroke.run === lifted ? LIFTED_WIDTH : WIDTH;
    });
  }

  private xAxis(): uPlot.Axis {
    return {
      ...this.axis(),
      size: X_AXIS,
      splits: (plot, _axis, min, max) => [...ticks(min, max, (plot.width - Y_AXIS) / X_TICK, this.picture.kind, this.picture.offsetMs)],
      values: (plot, splits) => {
        const { min, max } = plot.scales["x"] ?? {};
        const [from, to] = [min ?? 0, max ?? 1];
        // Where a word would be cut off by the edge there is none.
        const room = (split: number): number => ((to - split) / (to - from)) * (plot.width - Y_AXIS - RIGHT) + RIGHT;
        return xLabels(splits, this.picture.kind, this.picture.offsetMs).map((label, index) => (room(splits[index] ?? 0) < (label.length * CHARACTER) / 2 ? "" : label));
      },
    };
  }

  private yAxis(): uPlot.Axis {
    const isLog = this.picture.drawing.scale.log;
    return {
      ...this.axis(),
      size: (_plot, values) => yAxisWidth(values ?? []),
      splits: (plot, _axis, min, max) => [...valueTicks(min, max, (plot.height - X_AXIS) / Y_TICK, isLog)],
      values: (_plot, splits) => [...valueLabels(splits)],
      // uPlot leaves out some words of a logarithmic axis by itself.
      filter: (_plot, splits) => splits,
    };
  }

  private axis(): uPlot.Axis {
    return {
      font: `11px ${palette.peek().font}`,
      stroke: () => palette.peek().soft,
      grid: { stroke: () => palette.peek().line, width: 1 },
      ticks: { show: false },
      gap: 6,
    };
  }

  private drawOver(plot: uPlot): void {
    const { drawing, attempts, pinned, inkOf } = this.picture;
    drawVerticals(plot, attempts, pinned);
    drawMarks(plot, drawing, (run) => palette.peek().runs[inkOf(run, drawing.strokes[0]?.metric ?? "").hue] ?? palette.peek().text);
  }

  private tellCursor(plot: uPlot): void {
    const { left = -1, top = -1, event } = plot.cursor;
    if (left < 0) this.events.point(null);
    else {
      const { over } = plot;
      const place = { left: left + over.offsetLeft, top: top + over.offsetTop, width: plot.width };
      this.events.point({ x: plot.posToVal(left, "x"), y: plot.posToVal(top, "y"), ...place, own: this.isByKey || event != null });
    }
  }
}

/** What a plot cannot change once it is made. */
function structureOf({ drawing, shared, inkOf }: Picture): string {
  const strokes = drawing.strokes.map(({ run, metric, role, dots }) => [role, dots.length > 0, inkOf(run, metric).dash.join(" ")].join());
  return [drawing.scale.log, shared, ...strokes].join(";");
}

function columnsOf({ x, columns }: Drawing): uPlot.AlignedData {
  return [x, ...columns] as uPlot.AlignedData;
}

function xEnds({ range: [min, max] }: Picture): { min: number; max: number } {
  return { min, max };
}

function yEnds({ drawing: { scale } }: Picture): { min: number; max: number } {
  return { min: scale.from, max: scale.to };
}

function pairOf({ min, max }: { min: number; max: number }): [number, number] {
  return [min, max];
}
