// The curves of the rows, beside the table or in its place.

import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { RunCharts } from "../../charts/run_charts.tsx";
import type { XChoice } from "../../charts/settings.ts";
import { distinctNames } from "../../lib/distinct.ts";
import { counted, whole } from "../../lib/format.ts";
import type { Outline, Row, Slot } from "./tree.ts";

/** Rows that are drawn without being asked for, and those that can be. */
export const DRAWN = 20;
export const MOST_DRAWN = 100;
/** Rows among which these are looked for: what is further down was never loaded, or is none of the first. */
const LOOKED_AT = 500;

/** A run of a row. */
export interface RowRun {
  id: string;
  name: string;
  experiment: string;
}

/**
 * The runs of the first rows, in view order, until `most` are drawn; those that are hidden stand among them. With `joined` the
 * curve of a training is that of its attempts, which then have none beside it.
 */
export function drawnRuns(outline: Outline, hidden: ReadonlySet<string>, most: number, joined: boolean, nameOf: (row: Row) => string): RowRun[] {
  const runs = new Map<string, RowRun>();
  let drawn = 0;
  const end = Math.min(outline.total, LOOKED_AT);
  for (let index = 0; index < end && drawn < most; index += 1) {
    const row = outline.slot(index)?.row;
    if (row === undefined || runs.has(row.run) || (joined && row.tree?.kind === "run")) continue;
    runs.set(row.run, { id: row.run, name: nameOf(row), experiment: row.experiment });
    if (!hidden.has(row.run)) drawn += 1;
  }
  return distinctNames([...runs.values()]);
}

/** The places of the rows that are drawn, so that they can be asked for. */
export function drawnSlots(outline: Outline, most: number): Slot[] {
  const end = Math.min(outline.total, most);
  return Array.from({ length: end }, (_, index) => outline.slot(index)).filter((slot) => slot !== undefined);
}

export interface ChartsSideProps {
  runs: readonly RowRun[];
  experiments: readonly string[];
  hovered: Signal<string | null>;
  hidden: readonly string[];
  onHide: (run: string) => void;
  /** Rows of the table. */
  total: number;
  standardX: XChoice;
  all: boolean;
  drawAll: (all: boolean) => void;
}

export function ChartsSide({ runs, experiments, hovered, hidden, onHide, total, standardX, all, drawAll }: ChartsSideProps): JSX.Element {
  const drawn = runs.filter(({ id }) => !hidden.includes(id)).length;
  const could = Math.min(total, MOST_DRAWN);
  return (
    <section class="charts-side" aria-label="Curves">
      <p class="charts-note hint">
        {drawn < total ? `${whole(drawn)} of ${counted(total, "row")} drawn` : `${counted(drawn, "row")} drawn`}
        {!all && could > DRAWN && (
          <button type="button" onClick={() => drawAll(true)} title={`Every card then asks the server for ${could} curves instead of ${DRAWN}`}>
            {could < total ? `Draw the first ${could}` : `Draw all ${could}`}
          </button>
        )}
        {all && could > DRAWN && (
          <button type="button" onClick={() => drawAll(false)}>
            Draw the first {DRAWN}
          </button>
        )}
      </p>
      <RunCharts runs={runs} experiments={experiments} hovered={hovered} hidden={hidden} onHide={onHide} standardX={standardX} />
    </section>
  );
}
