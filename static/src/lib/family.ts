// How a run stands to others, read from the graph of all that hang together with it. Pure.

import type { Lineage, LineageNode } from "../api/runs.ts";
import { forkFamily } from "./forks.ts";
import type { ForkFamily } from "./forks.ts";

/** Another run; `node` is null where it is not on this server. */
export interface Relative {
  run_id: string;
  node: LineageNode | null;
}

/** A run's place in a training of several attempts. */
export interface Attempt {
  number: number;
  of: number;
  /** The first attempt, after which the training is called. */
  first: LineageNode;
  previous: LineageNode | null;
  next: LineageNode | null;
}

export interface Family {
  attempt: Attempt | null;
  /** What it went on with, where that is not on this server. */
  resumed: Relative | null;
  /** What it is nested in. */
  parent: Relative | null;
  /** What it was forked from; `step` is null where the data do not show it. */
  origin: (Relative & { step: number | null }) | null;
  /** What was forked from its training; null where nothing was. */
  forks: ForkFamily | null;
  /** What it is a copy of. */
  copyOf: Relative | null;
  /** The other copies of the same run. */
  copies: readonly LineageNode[];
  /** Whether it only reserved its id. */
  prepared: boolean;
  /** How many runs are nested in it, at any depth. */
  children: number;
}

/** How `run` stands to the others of a lineage. */
export function family(lineage: Lineage, run: string): Family {
  const nodes = new Map(lineage.nodes.map((node) => [node.run_id, node]));
  const own = nodes.get(run);
  const link = (kind: string): (Relative & { step: number | null }) | null => {
    const edge = lineage.edges.find((found) => found.kind === kind && found.run_id === run);
    if (edge === undefined) return null;
    const target = edge.target_run_id ?? edge.target;
    return { run_id: target, node: nodes.get(target) ?? null, step: edge.step ?? null };
  };
  const resumed = link("resume");
  const forks = forkFamily(lineage, run);
  return {
    attempt: own === undefined ? null : attemptOf(lineage, own),
    resumed: resumed !== null && resumed.node === null ? resumed : null,
    parent: link("nest"),
    origin: link("fork"),
    forks: forks?.origin.training_id === own?.training_id ? forks : null,
    copyOf: link("copy"),
    copies: copiesOf(lineage, run),
    prepared: own?.role === "prepared",
    children: nestedIn(lineage, run).length,
  };
}

/** A run in the indented list of a lineage, with what came of it. */
export interface Branch {
  run_id: string;
  node: LineageNode | null;
  /** How it hangs together with what it is below: `attempt 2`, `forked at step 60,000`. */
  how: string;
  below: readonly Branch[];
}

/** Levels of an outline; what hangs deeper stands one below the other. Anybody may hang thousands of runs on each other. */
const MOST_LEVELS = 20;

/** A lineage as an indented list: each training below what it was forked from or is nested in, its later runs below its first. */
export function outline(lineage: Lineage, step: (value: number) => string): readonly Branch[] {
  const nodes = new Map(lineage.nodes.map((node) => [node.run_id, node]));
  const members = new Map<string, LineageNode[]>();
  for (const node of lineage.nodes) {
    const known = members.get(node.training_id);
    if (known === undefined) members.set(node.training_id, [node]);
    else known.push(node);
  }
  const hangers = new Map<string, { training: string; how: string }[]>();
  const hanging = new Set<string>();
  // Where two links lead somewhere, that of the fork wins: it says where the weights came from.
  for (const kind of ["fork", "nest", "resume"]) {
    for (const edge of lineage.edges) {
      const node = nodes.get(edge.run_id);
      if (edge.kind !== kind || node === undefined || hanging.has(node.training_id)) continue;
      const target = edge.target_run_id ?? edge.target;
      const place = nodes.get(target)?.training_id ?? target;
      if (place === node.training_id) continue;
      hanging.add(node.training_id);
      const how = kind === "nest" ? "nested" : kind === "resume" ? "resumed" : forkWords(edge.step ?? null, step);
      const there = hangers.get(place);
      if (there === undefined) hangers.set(place, [{ training: node.training_id, how }]);
      else there.push({ training: node.training_id, how });
    }
  }
  const training = (place: string, how: string): Branch => {
    const [first, ...others] = members.get(place) ?? [];
    if (first === undefined) return { run_id: place, node: null, how, below: [] };
    const rest = others.map((node) => ({ run_id: node.run_id, node, how: roleWords(node), below: [] }));
    const said = [how, others.length > 0 ? roleWords(first) : ""].filter((words) => words !== "").join(", ");
    return { run_id: first.run_id, node: first, how: said, below: rest };
  };
  const done = new Set<string>();
  const branch = (place: string, how: string, level: number): Branch[] => {
    if (level === MOST_LEVELS) return row(place, how);
    if (done.has(place)) return [];
    done.add(place);
    const own = training(place, how);
    const below = (hangers.get(place) ?? []).flatMap((hanger) => branch(hanger.training, hanger.how, level + 1));
    return [{ ...own, below: [...own.below, ...below] }];
  };
  const row = (place: string, how: string): Branch[] => {
    const found: Branch[] = [];
    const left = [{ training: place, how }];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (done.has(next.training)) continue;
      done.add(next.training);
      found.push(training(next.training, next.how));
      left.push(...[...(hangers.get(next.training) ?? [])].reverse());
    }
    return found;
  };
  const places = [...hangers.keys(), ...members.keys()];
  const roots = places.filter((place) => !hanging.has(place)).flatMap((place) => branch(place, "", 0));
  // What is left hangs in a circle.
  return [...roots, ...places.flatMap((place) => branch(place, "", 0))];
}

/** Where a fork left its origin, in words. */
export function forkWords(at: number | null, step: (value: number) => string): string {
  return at === null ? "forked" : `forked at step ${step(at)}`;
}

function roleWords(node: LineageNode): string {
  if (node.role === "prepared") return "prepared";
  const number = node.attempt === undefined ? "" : `attempt ${node.attempt}`;
  return node.role === "copy" ? ["copy", number && `of ${number}`].filter((word) => word !== "").join(" ") : number;
}

function attemptOf(lineage: Lineage, own: LineageNode): Attempt | null {
  const attempts = lineage.nodes
    .filter((node) => node.training_id === own.training_id && node.role === "attempt")
    .sort((one, other) => (one.attempt ?? 0) - (other.attempt ?? 0));
  const place = attempts.findIndex((node) => node.attempt === own.attempt);
  const first = attempts[0];
  if (attempts.length < 2 || place < 0 || first === undefined) return null;
  return { number: place + 1, of: attempts.length, first, previous: attempts[place - 1] ?? null, next: attempts[place + 1] ?? null };
}

/** The runs that hold what this one holds, without it and without what it is said to be a copy of. */
function copiesOf(lineage: Lineage, run: string): readonly LineageNode[] {
  const links = lineage.edges.filter((edge) => edge.kind === "copy");
  const source = links.find((edge) => edge.run_id === run)?.target ?? run;
  const ids = new Set(links.filter((edge) => edge.target === source && edge.run_id !== run).map((edge) => edge.run_id));
  return lineage.nodes.filter((node) => ids.has(node.run_id));
}

function nestedIn(lineage: Lineage, run: string): readonly string[] {
  const found = new Set([run]);
  for (const above of found) {
    for (const edge of lineage.edges) {
      if (edge.kind === "nest" && (edge.target_run_id ?? edge.target) === above) found.add(edge.run_id);
    }
  }
  found.delete(run);
  return [...found];
}
