// Zooming and moving by hand: what is dragged, wheeled and clicked on a chart.

import type uPlot from "uplot";

/** What hands ask for; the chart shows it once it is told so. */
export interface Gestures {
  /** Shows a part of x. */
  zoom: (from: number, to: number) => void;
  /** Shows a part of the vertical axis. */
  limit: (from: number, to: number) => void;
  /** Shows everything. */
  reset: () => void;
  /** Pins the values at an x. */
  pin: (x: number) => void;
}

/** A wheel that rests so long is done, ms. */
const WHEEL_REST_MS = 250;
/** Pixels that a finger may move in a click. */
const CLICK_PX = 4;

/** Uses a plot's own dragging: x, or with shift the vertical axis. */
export function dragOptions(canZoom: boolean): Partial<uPlot.Cursor> {
  return {
    drag: { x: canZoom, y: false, setScale: false, dist: CLICK_PX },
    bind: {
      mousedown: (plot, _target, handler) => (event) => {
        const { drag } = plot.cursor;
        if (drag) {
          drag.x = canZoom && !event.shiftKey;
          drag.y = event.shiftKey;
        }
        return handler(event);
      },
      // What a double click means is ours to say.
      dblclick: () => null,
    },
  };
}

/** The part that was dragged over, told to `gestures`. */
export function selected(plot: uPlot, gestures: Gestures): void {
  const { left, top, width, height } = plot.select;
  const isY = plot.cursor.drag?.y === true;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (isY && height > CLICK_PX) gestures.limit(plot.posToVal(top + height, "y"), plot.posToVal(top, "y"));
  else if (!isY && width > CLICK_PX) gestures.zoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
}

/** Listens to the rest: clicks, Ctrl with the wheel, and dragging an axis. */
export function listen(plot: uPlot, canZoom: boolean, gestures: Gestures): void {
  let downX = 0;
  let downY = 0;
  plot.over.addEventListener("pointerdown", (event) => {
    downX = event.clientX;
    downY = event.clientY;
  });
  plot.over.addEventListener("click", (event) => {
    const moved = Math.hypot(event.clientX - downX, event.clientY - downY);
    if (moved <= CLICK_PX) gestures.pin(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x"));
  });
  plot.over.addEventListener("dblclick", () => gestures.reset());
  if (canZoom) listenToWheel(plot, gestures);
  const axes = plot.root.querySelectorAll<HTMLElement>(".u-axis");
  if (canZoom && axes[0]) pan(plot, axes[0], "x", gestures.zoom);
  if (axes[1]) pan(plot, axes[1], "y", gestures.limit);
}

function listenToWheel(plot: uPlot, gestures: Gestures): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const turn = (event: WheelEvent): void => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const at = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
    const factor = Math.exp(Math.max(-0.5, Math.min(0.5, event.deltaY / 300)));
    const { min = 0, max = 1 } = plot.scales["x"] ?? {};
    const [from, to] = [at - (at - (min ?? 0)) * factor, at + ((max ?? 1) - at) * factor];
    plot.setScale("x", { min: from, max: to });
    clearTimeout(timer);
    timer = setTimeout(() => gestures.zoom(from, to), WHEEL_REST_MS);
  };
  plot.over.addEventListener("wheel", turn, { passive: false });
}

/** Moves an axis with the pointer, and says where it ended. */
function pan(plot: uPlot, axis: HTMLElement, name: "x" | "y", done: (from: number, to: number) => void): void {
  axis.addEventListener("pointerdown", (start) => {
    const { min, max, distr } = plot.scales[name] ?? {};
    if (min == null || max == null) return;
    let ends: readonly [number, number] | null = null;
    const move = (event: PointerEvent): void => {
      const share = name === "x" ? (start.clientX - event.clientX) / plot.over.clientWidth : (event.clientY - start.clientY) / plot.over.clientHeight;
      ends = moved(min, max, share, distr === LOG);
      plot.setScale(name, { min: ends[0], max: ends[1] });
    };
    axis.setPointerCapture(start.pointerId);
    axis.addEventListener("pointermove", move);
    const end = (): void => {
      axis.removeEventListener("pointermove", move);
      if (ends) done(...ends);
    };
    axis.addEventListener("lostpointercapture", end, { once: true });
  });
}

/** uPlot's number for a logarithmic axis. */
const LOG = 3;

/** A range moved by a share of its length, on a logarithmic axis by its factor. */
function moved(min: number, max: number, share: number, isLog: boolean): readonly [number, number] {
  if (!isLog) return [min + share * (max - min), max + share * (max - min)];
  const factor = (max / min) ** share;
  return [min * factor, max * factor];
}
