// What the head of a card says about its curves, and the same for those who hear the page. Pure.

import type { Odd, Series } from "../api/series.ts";
import { number, whole } from "../lib/format.ts";
import { constantOf, isAtOneStep, oddCount } from "./kind.ts";
import type { Mark } from "./range.ts";

/** A remark in the head of a card; one about points outside the axis can be undone. */
export interface Note {
  text: string;
  kind?: "bad" | "outside";
}

/** All that is to be said about the series that are drawn: what the drawing does not show by itself. */
export function notesOf(series: readonly Series[], marks: readonly Mark[]): readonly Note[] {
  const some = series.filter(({ points }) => points > 0);
  const points = sum(some.map((one) => one.points));
  const drawn = sum(some.flatMap((one) => one.segments.map(({ mean }) => mean.filter((value) => value !== null).length)));
  const isEach = drawn + sum(some.map(oddCount)) >= points;
  const notes: (Note | null)[] = [
    isAtOneStep(some) ? { text: atOneStep(some) } : null,
    constantNote(some),
    oddNote("NaN", some.map(({ nan }) => nan)),
    oddNote("∞", some.map(({ infinity }) => infinity)),
    oddNote("−∞", some.map(({ negative_infinity }) => negative_infinity)),
    outside(marks, "above", isEach),
    outside(marks, "below", isEach),
    notPositive(marks, isEach),
    isEach ? null : { text: `${whole(drawn)} of ${whole(points)} points` },
    restarts(some),
    counted(sum(some.map((one) => one.superseded_points ?? 0)), "point that a later attempt replaced", "points that a later attempt replaced"),
    counted(sum(some.map((one) => one.without_x ?? 0)), "point without x", "points without x"),
    some.some(({ disordered }) => disordered) ? { text: "steps go back too often to be told apart", kind: "bad" } : null,
  ];
  return notes.filter((note) => note !== null);
}

/** `val_loss, 3 runs, last 0.041–0.055, lowest aifs-transformer-000`. */
export function summaryOf(name: string, series: readonly Series[], runName: (run: string) => string): string {
  const some = series.filter(({ points, superseded }) => points > 0 && superseded !== true);
  if (some.length === 0) return `${name}, no values`;
  const runs = new Set(some.map(({ run_id }) => run_id));
  const parts = [name, runs.size === 1 ? runName(some[0]?.run_id ?? "") : `${runs.size} runs`];
  const last = some.map(({ last_point }) => Number(last_point?.value)).filter(Number.isFinite);
  if (last.length > 0) {
    const [least, greatest] = [number(Math.min(...last)), number(Math.max(...last))];
    parts.push(`last ${least === greatest ? least : `${least}–${greatest}`}`);
  }
  const lowest = some.filter(({ min }) => typeof min === "number").sort((one, other) => Number(one.min) - Number(other.min))[0];
  if (lowest && runs.size > 1) parts.push(`lowest ${runName(lowest.run_id)}`);
  else if (lowest) parts.push(`from ${number(lowest.min ?? NaN)} to ${number(lowest.max ?? NaN)}`);
  return parts.join(", ");
}

function atOneStep(series: readonly Series[]): string {
  const values = sum(series.map(({ points }) => points));
  const steps = new Set(series.map(({ min_step }) => min_step));
  const [step = 0] = steps;
  return `${whole(values)} values, all at ${steps.size === 1 ? `step ${whole(step)}` : "one step of each run"}`;
}

function constantNote(series: readonly Series[]): Note | null {
  const constant = constantOf(series);
  return constant === null ? null : { text: `constant ${number(constant)}` };
}

function oddNote(word: string, odd: readonly (Odd | undefined)[]): Note | null {
  const some = odd.filter((one) => one !== undefined);
  if (some.length === 0) return null;
  const first = Math.min(...some.map(({ first_step }) => first_step));
  return { text: `${whole(sum(some.map(({ count }) => count)))} ${word} from step ${whole(first)}`, kind: "bad" };
}

/** How many points lie there can only be said where each is drawn by itself. */
function outside(marks: readonly Mark[], where: "above" | "below", each: boolean): Note | null {
  const some = marks.filter(({ kind }) => kind === where).length;
  if (some === 0) return null;
  const text = each ? `${whole(some)} ${some === 1 ? "point" : "points"} ${where}` : `points ${where} in ${whole(some)} ${some === 1 ? "place" : "places"}`;
  return { text, kind: "outside" };
}

function notPositive(marks: readonly Mark[], each: boolean): Note | null {
  const some = marks.filter(({ kind }) => kind === "not_positive").length;
  if (some === 0) return null;
  return { text: each ? `${whole(some)} ${some === 1 ? "value" : "values"} ≤ 0` : `values ≤ 0 in ${whole(some)} ${some === 1 ? "place" : "places"}`, kind: "bad" };
}

function restarts(series: readonly Series[]): Note | null {
  // Joined attempts are told by their ticks.
  const again = series.filter(({ attempts }) => attempts === undefined).flatMap(({ segments }) => segments.slice(1));
  if (again.length === 0) return null;
  if (again.length === 1) return { text: `restarted at step ${whole(again[0]?.first_step ?? 0)}` };
  return { text: `restarted ${whole(again.length)} times` };
}

function counted(value: number, one: string, many: string): Note | null {
  return value === 0 ? null : { text: `${whole(value)} ${value === 1 ? one : many}` };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
