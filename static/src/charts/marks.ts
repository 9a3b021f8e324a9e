// What is drawn beside the lines of a chart: marks at its edges, attempts, idle time and the pinned x.

import type uPlot from "uplot";
import type { Drawing } from "./arrange.ts";
import { isBad } from "./range.ts";
import { palette } from "./palette.ts";
import { MARK } from "./strength.ts";

/** Shades ranges of x; to be called before the lines are drawn. */
export function drawShades(plot: uPlot, ranges: readonly (readonly [number, number])[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  clip(plot);
  ctx.fillStyle = palette.peek().shade;
  for (const [from, to] of ranges) {
    const left = plot.valToPos(from, "x", true);
    ctx.fillRect(left, bbox.top, plot.valToPos(to, "x", true) - left, bbox.height);
  }
  ctx.restore();
}

/** Draws vertical lines where attempts begin, and one where values are pinned. */
export function drawVerticals(plot: uPlot, attempts: readonly number[], pinned: number | null): void {
  const { ctx } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  clip(plot);
  ctx.lineWidth = scale;
  ctx.strokeStyle = palette.peek().soft;
  ctx.setLineDash([2 * scale, 3 * scale]);
  for (const x of attempts) vertical(plot, x);
  if (pinned !== null) {
    ctx.setLineDash([]);
    ctx.strokeStyle = palette.peek().accent;
    vertical(plot, pinned);
  }
  ctx.restore();
}

/** Draws the marks of a drawing at the upper and the lower edge; `colourOf` says how its run is drawn. */
export function drawMarks(plot: uPlot, drawing: Drawing, colourOf: (run: string) => string): void {
  const { ctx, bbox } = plot;
  const size = MARK * devicePixelRatio;
  const top = bbox.top;
  const bottom = bbox.top + bbox.height;
  ctx.save();
  for (const mark of drawing.marks) {
    const x = plot.valToPos(drawing.x[mark.place] ?? 0, "x", true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    ctx.fillStyle = isBad(mark) ? palette.peek().bad : colourOf(mark.run);
    if (mark.kind === "nan") ctx.fillRect(x - size / 4, bottom - size * 1.4, size / 2, size * 1.4);
    else if (mark.kind === "infinity" || mark.kind === "above") triangle(ctx, x, top, size);
    else triangle(ctx, x, bottom, -size);
  }
  ctx.restore();
}

/** A triangle that points to its edge at `y`, and lies below it where `size` is positive. */
function triangle(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - size * 0.8, y + size * 1.4);
  ctx.lineTo(x + size * 0.8, y + size * 1.4);
  ctx.fill();
}

function vertical({ ctx, bbox, valToPos }: uPlot, x: number): void {
  const left = Math.round(valToPos(x, "x", true)) + 0.5;
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
}

function clip({ ctx, bbox }: uPlot): void {
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
}
