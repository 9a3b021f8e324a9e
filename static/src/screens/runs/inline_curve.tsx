import type { JSX } from "preact";
import type { InlineCurve } from "../../api/series.ts";
import { number } from "../../lib/format.ts";

/** The box that it is drawn in. */
const WIDTH = 100;
const HEIGHT = 22;
const EDGE = 2;

/** A metric of a run, small, in its own range. Where buckets are empty the line is interrupted. */
export function InlineCurveView({ curve, metric }: { curve: InlineCurve; metric: string }): JSX.Element | null {
  const values = curve.mean.map((mean) => (mean === null ? null : Number(mean)));
  const finite = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (finite.length === 0) return null;
  const [least, greatest] = [Math.min(...finite), Math.max(...finite)];
  const span = greatest - least;
  const x = (index: number): number => EDGE + (index / Math.max(1, values.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (value: number): number => HEIGHT - EDGE - (span === 0 ? 0.5 : (value - least) / span) * (HEIGHT - 2 * EDGE);
  let pen = "M";
  let path = "";
  values.forEach((value, index) => {
    const drawn = value !== null && Number.isFinite(value);
    if (drawn) path += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = drawn ? "L" : pen;
    if (curve.nan > 0 && value === null) pen = "M";
  });
  const words = `${metric}: from ${number(least)} to ${number(greatest)}, last ${number(curve.last ?? "NaN")}`;
  return (
    <svg class="inline-curve" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
      <title>{words}</title>
      <path d={path} />
    </svg>
  );
}
