// What was forked from what, and what a fork's weights went through before it. Pure.

import type { Lineage, LineageNode } from "../api/runs.ts";
import { whole } from "./format.ts";

/** A run up to a step, which is not a part of it. */
export interface Stretch {
  run_id: string;
  name: string;
  /** Its own first step. */
  from: number;
  /** Where what came after it begins. */
  until: number;
}

/** Where a run comes from that is a fork, or goes on with one. */
export interface Fork {
  /** The run that was forked. */
  origin: LineageNode;
  /** All runs of the training that this is an attempt of. */
  training: readonly string[];
  /** The first step of its own; null where the data do not show it. */
  step: number | null;
  /** The last step of its training, and of those that it comes from. */
  last: number;
  /** What was trained before that step, from there back to the first beginning. */
  before: readonly Stretch[];
}

/** A training that was forked, and all that was forked from it, each as its last attempt. */
export interface ForkFamily {
  origin: LineageNode;
  forks: readonly LineageNode[];
  /** What of their steps there is to be compared, from the first fork on; null where some forks have steps of which that is not known. */
  range: Range | null;
}

export type Range = readonly [from: number, to: number];

/** So much of what is after a fork is shown before it. */
const LEAD = 0.05;

/** From a little before the first of some forks on; null where no fork has a step. */
export function fromFork(forks: readonly Pick<Fork, "step" | "last">[]): Range | null {
  const first = Math.min(...forks.map(({ step }) => step ?? Infinity));
  const last = Math.max(...forks.map((one) => (one.step === null ? -Infinity : one.last)));
  return first <= last ? [first - Math.max(1, Math.round((last - first) * LEAD)), last] : null;
}

/** Where a run, or the training it is an attempt of, was forked; null where it was not, or not from a run of this server. */
export function forkOf(lineage: Lineage, run: string): Fork | null {
  const graph = new Graph(lineage);
  const training = graph.nodes.get(run)?.training_id;
  const found = training === undefined ? null : graph.forkOf(training);
  if (training === undefined || found === null) return null;
  const before: Stretch[] = [];
  // Later attempts may have gone over these steps again: not what this one began with.
  const goBack = (place: string, last: number, end: number): void => {
    let until = end;
    for (const { run_id, run_name: name, first_step: from } of graph.attempts(place).filter(({ attempt = 1 }) => attempt <= last).reverse()) {
      if (typeof from !== "number" || from >= until) continue;
      before.push({ run_id, name, from, until });
      until = from;
    }
  };
  const own = graph.nodes.get(run);
  if (typeof own?.first_step === "number" && own.training_id === training) goBack(training, (own.attempt ?? 1) - 1, own.first_step);
  const seen = new Set([training]);
  for (let next: typeof found | null = found; next !== null && next.step !== null && !seen.has(next.origin.training_id); ) {
    const { training_id: place, attempt = 1 } = next.origin;
    seen.add(place);
    goBack(place, attempt, next.step);
    next = graph.forkOf(place);
  }
  const attempts = graph.attempts(found.origin.training_id).map(({ run_id }) => run_id);
  const last = Math.max(graph.lastStep(training), graph.lastStep(found.origin.training_id));
  return { ...found, training: attempts, last, before };
}

/** The forks that a run is to be compared with: those of its own training, or else those of the training it was forked from. */
export function forkFamily(lineage: Lineage, run: string): ForkFamily | null {
  const graph = new Graph(lineage);
  const training = graph.nodes.get(run)?.training_id;
  if (training === undefined) return null;
  const forksOf = (place: string): LineageNode[] =>
    graph.trainings().filter((other) => other !== place && graph.forkOf(other)?.origin.training_id === place).flatMap((other) => graph.last(other) ?? []);
  const own = forksOf(training);
  const place = own.length > 0 ? training : graph.forkOf(training)?.origin.training_id;
  const origin = place === undefined ? undefined : graph.last(place);
  if (place === undefined || origin === undefined) return null;
  const forks = own.length > 0 ? own : forksOf(place);
  const last = Math.max(...[origin, ...forks].map(({ training_id }) => graph.lastStep(training_id)));
  const found = forks.map((node) => ({ node, step: graph.forkOf(node.training_id)?.step ?? null, last }));
  // Steps that began anew lie anywhere; a fork without points has none to be left outside.
  const isKnown = found.every(({ node, step }) => step !== null || typeof node.first_step !== "number");
  return { origin, forks, range: isKnown ? fromFork(found) : null };
}

/** What others of a set are to be compared with: the first of it or, where that is a fork of another one there, that one. */
export function baseOf(ids: readonly string[], forks: ReadonlyMap<string, Fork>): string | undefined {
  const seen = new Set<string>();
  let base = ids[0];
  while (base !== undefined && !seen.has(base)) {
    seen.add(base);
    const { origin, training = [] } = forks.get(base) ?? {};
    base = ids.find((id) => id === origin?.run_id) ?? ids.find((id) => training.includes(id)) ?? base;
  }
  return base;
}

/** `forked from control at step 60,050`. */
export function originWords({ origin, step }: Fork): string {
  const name = origin.run_name === "" ? origin.run_id.slice(0, 8) : origin.run_name;
  return `forked from ${name}${step === null ? "" : ` at step ${whole(step)}`}`;
}

/** The steps at which forks begin of which the data do not show it, as they were chosen by hand: `run:step,run:step`. */
export function readShifts(text: string | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const pair of (text ?? "").split(",")) {
    const [run = "", step = ""] = pair.split(":");
    if (run !== "" && /^\d{1,15}$/.test(step)) found.set(run, Number(step));
  }
  return found;
}

/** The same with another step for a run; null takes it out. Undefined where nothing is left. */
export function writeShift(text: string | undefined, run: string, step: number | null): string | undefined {
  const all = new Map(readShifts(text));
  if (step === null) all.delete(run);
  else all.set(run, step);
  return all.size === 0 ? undefined : [...all].map((pair) => pair.join(":")).join(",");
}

/** A lineage by what one asks of it. */
class Graph {
  readonly nodes: ReadonlyMap<string, LineageNode>;
  private readonly members = new Map<string, LineageNode[]>();
  private readonly forks = new Map<string, { origin: LineageNode; step: number | null }>();

  constructor({ nodes, edges }: Lineage) {
    this.nodes = new Map(nodes.map((node) => [node.run_id, node]));
    for (const node of nodes) {
      const known = this.members.get(node.training_id);
      if (known === undefined) this.members.set(node.training_id, [node]);
      else known.push(node);
    }
    for (const { kind, run_id, target, target_run_id, step = null } of edges) {
      const own = this.nodes.get(run_id);
      const origin = this.nodes.get(target_run_id ?? target);
      if (kind !== "fork" || own === undefined || origin === undefined || origin.training_id === own.training_id) continue;
      // Each attempt of a fork may say it again; the first of them knows the step.
      const known = this.forks.get(own.training_id);
      if (known === undefined || (known.step === null && step !== null)) this.forks.set(own.training_id, { origin, step });
    }
  }

  trainings(): readonly string[] {
    return [...this.members.keys()];
  }

  forkOf(training: string): { origin: LineageNode; step: number | null } | null {
    return this.forks.get(training) ?? null;
  }

  /** The attempts of a training, in their order. */
  attempts(training: string): LineageNode[] {
    const all = this.members.get(training) ?? [];
    return all.filter(({ role }) => role === "attempt").sort((one, other) => (one.attempt ?? 0) - (other.attempt ?? 0));
  }

  /** The last step of a training; -∞ where it has none. */
  lastStep(training: string): number {
    return Math.max(...this.attempts(training).map(({ last_step }) => last_step ?? -Infinity));
  }

  /** The run that stands for a training. */
  last(training: string): LineageNode | undefined {
    return this.attempts(training).reverse().find(({ lifecycle_stage }) => lifecycle_stage === "active") ?? this.members.get(training)?.[0];
  }
}
