// Cards of metrics that have one value.

import type { JSX } from "preact";
import type { Series } from "../api/series.ts";
import { number, whole } from "../lib/format.ts";
import { Time } from "../parts/basics.tsx";
import { palette } from "./palette.ts";
import { inkFor, runName } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** One value as a number. `x` is where it is, should it not be the only one of its series. */
export function Tile({ series, x }: { series: Series; x: number | undefined }): JSX.Element {
  const last = series.total === 1 ? series.last_point : undefined;
  const value = last?.value ?? series.segments[0]?.mean.find((one) => one !== null) ?? NaN;
  return (
    <p class="tile">
      <strong title={String(value)}>{number(value)}</strong>
      <span class="hint">
        {last ? (
          <>
            step {whole(last.step)} · <Time ms={last.timestamp} />
          </>
        ) : (
          x !== undefined && `at ${whole(x)}`
        )}
      </span>
    </p>
  );
}

/** The box in which dots are drawn. */
const WIDTH = 400;
const ROW = 14;
const EDGE = 10;

/** One value of each of some runs, on one axis; each has a line of its own, so that equal ones are told apart. */
export function Dots({ series, scene, summary }: { series: readonly Series[]; scene: Scene; summary: string }): JSX.Element {
  const found = series.flatMap(({ run_id, metric, last_point }) => {
    const value = Number(last_point?.value);
    return last_point && Number.isFinite(value) ? [{ run: run_id, metric, value }] : [];
  });
  const values = found.map(({ value }) => value);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const at = (value: number): number => (greatest > least ? EDGE + ((value - least) / (greatest - least)) * (WIDTH - 2 * EDGE) : WIDTH / 2);
  const inkOf = inkFor(scene, [...new Set(found.map(({ metric }) => metric))]);
  const height = found.length * ROW + ROW;
  if (found.length === 0) return <p class="card-none">no finite value</p>;
  return (
    <figure class="dots">
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={summary}>
        {found.map(({ run, metric, value }, row) => (
          <g key={`${run} ${metric}`} onMouseEnter={() => (scene.hovered.value = run)} onMouseLeave={() => (scene.hovered.value = null)}>
            <title>{`${runName(scene, run)}: ${number(value)}`}</title>
            <path class="dots-line" d={`M0 ${row * ROW + ROW}H${WIDTH}`} />
            <circle cx={at(value)} cy={row * ROW + ROW} r={scene.hovered.value === run ? 6 : 4} fill={palette.value.runs[inkOf(run, metric).hue] ?? ""} />
          </g>
        ))}
      </svg>
      <figcaption>
        <span>{number(least)}</span>
        {greatest > least && <span>{number(greatest)}</span>}
      </figcaption>
    </figure>
  );
}
