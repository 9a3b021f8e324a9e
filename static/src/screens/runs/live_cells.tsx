// Cells about what runs do that are at work.

import type { JSX } from "preact";
import { number } from "../../lib/format.ts";
import { endAtRate, silence, stillToCome } from "../../lib/progress.ts";
import { Until } from "../../parts/basics.tsx";
import { now } from "../../state/clock.ts";
import type { Curves } from "./curves.ts";
import { InlineCurveView } from "./inline_curve.tsx";
import type { Row } from "./tree.ts";

/** The last value of the metric that one looks at first, and its curve. */
export function LossCell({ row: { live, run }, curves }: { row: Row; curves: Curves }): JSX.Element | null {
  const loss = live?.loss;
  if (!loss) return null;
  const seen = curves.version.value;
  const curve = seen >= 0 ? curves.of(loss.metric, run) : null;
  return (
    <span class="loss" title={`${loss.metric}: ${loss.last}`}>
      <span class="figure">{number(loss.last)}</span>
      {curve && <InlineCurveView curve={curve} metric={loss.metric} />}
    </span>
  );
}

/** When the run will be at its last step, should it go on as it went lately. */
export function EndsCell({ row: { progress, live } }: { row: Row }): JSX.Element | null {
  const ends = stillToCome(endAtRate(progress, live), silence("RUNNING", progress, now.value) !== null, now.value);
  return ends === null ? null : <Until ms={ends} />;
}

/** Asks for the curves of these rows, by the metric that is looked at first in each. */
export function needLosses(rows: readonly Row[], curves: Curves): void {
  const runs = new Map<string, string[]>();
  for (const { run, live } of rows) {
    if (live?.loss) runs.set(live.loss.metric, [...(runs.get(live.loss.metric) ?? []), run]);
  }
  for (const [metric, some] of runs) void curves.need(metric, some);
}
