// How a param goes together with a metric, and what a box shows. Pure.

import { isNaming } from "./column.ts";
import type { Column } from "./column.ts";

/** How strongly something goes together with a metric. */
export interface Relation {
  /** -1 to 1; of texts, which have no direction, 0 to 1. Null where there is none to tell. */
  value: number | null;
  /** `ρ` is Spearman's rank correlation, `η` the correlation ratio of the metric's ranks between groups. */
  sign: "ρ" | "η";
  /** Runs that have both. */
  n: number;
  /** Why there is none. */
  why?: string;
}

/** With fewer runs any two things go together. */
const LEAST = 3;

/** The rank of each value from 1 on; equal ones share the mean of theirs. */
export function ranks(values: readonly number[]): readonly number[] {
  const order = values.map((_, place) => place).sort((one, other) => (values[one] ?? 0) - (values[other] ?? 0));
  const found = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (let place = from; place < to; place += 1) found[order[place] ?? 0] = (from + 1 + to) / 2;
    from = to;
  }
  return found;
}

/** Spearman's rank correlation: Pearson's of the ranks, which is right with ties too. Null if one of both is constant. */
export function spearman(one: readonly number[], other: readonly number[]): number | null {
  const [left, right] = [centred(ranks(one)), centred(ranks(other))];
  const size = Math.sqrt(squares(left) * squares(right));
  return size === 0 ? null : left.reduce((sum, value, place) => sum + value * (right[place] ?? 0), 0) / size;
}

/**
 * How much of the ranks of `values` their groups explain: the root of (between groups / all), 0 to 1. Its square is the effect
 * size of the test of Kruskal and Wallis, H / (n − 1) (Tomczak and Tomczak 2014, "The need to report effect size estimates
 * revisited"); with two groups it is |ρ|. Null if the values or the groups are all the same.
 */
export function correlationRatio(groups: readonly number[], values: readonly number[]): number | null {
  const centredRanks = centred(ranks(values));
  const all = squares(centredRanks);
  const sums = new Map<number, { sum: number; n: number }>();
  for (const [place, group] of groups.entries()) {
    const { sum, n } = sums.get(group) ?? { sum: 0, n: 0 };
    sums.set(group, { sum: sum + (centredRanks[place] ?? 0), n: n + 1 });
  }
  if (all === 0 || sums.size < 2) return null;
  const between = [...sums.values()].reduce((total, { sum, n }) => total + (sum * sum) / n, 0);
  return Math.sqrt(Math.min(1, between / all));
}

/** How a column goes together with a metric, over the runs that have both. */
export function relationOf(column: Column, metric: Column): Relation {
  const both = column.values.flatMap((value, place) => {
    const target = metric.values[place] ?? Number.NaN;
    return Number.isFinite(value) && Number.isFinite(target) ? [[value, target] as const] : [];
  });
  const [own, target] = [both.map(([value]) => value), both.map(([, value]) => value)];
  const sign = column.kind === "number" ? "ρ" : "η";
  const none = (why: string): Relation => ({ value: null, sign, n: both.length, why });
  if (both.length < LEAST) return none("fewer than 3 runs have both");
  const groups = new Set(own).size;
  if (groups < 2) return none("one value");
  if (new Set(target).size < 2) return none(`${metric.name} is the same everywhere`);
  if (sign === "ρ") return { value: spearman(own, target), sign, n: both.length };
  // Groups of one run explain everything, and nothing.
  if (column.kind === "text" || isNaming(column) || both.length < 2 * groups) return none("too many different texts");
  return { value: correlationRatio(own, target), sign, n: both.length };
}

/**
 * The value below which a part of sorted values lies: number 7 of Hyndman and Fan (1996, "Sample quantiles in statistical
 * packages"), linear between the two nearest, as NumPy and R have it.
 */
export function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}

/** What a box shows of some values. */
export interface BoxFacts {
  n: number;
  least: number;
  low: number;
  median: number;
  high: number;
  greatest: number;
  /** The furthest values within 1.5 times the height of the box from its ends (Tukey). */
  whiskers: readonly [number, number];
}

export function boxOf(values: readonly number[]): BoxFacts {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  const reach = 1.5 * (high - low);
  const within = sorted.filter((value) => value >= low - reach && value <= high + reach);
  return {
    n: sorted.length,
    least: sorted[0] ?? Number.NaN,
    low,
    median: quantile(sorted, 0.5),
    high,
    greatest: sorted.at(-1) ?? Number.NaN,
    whiskers: [within[0] ?? low, within.at(-1) ?? high],
  };
}

function centred(values: readonly number[]): readonly number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function squares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
