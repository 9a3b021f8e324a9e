// A lineage as a drawing: a lane for each training, a bar for each run of it, lines for how they hang together. Pure; all
// lengths are CSS pixels.

import type { Lineage, LineageNode } from "../api/runs.ts";
import { outline } from "./family.ts";
import type { Branch } from "./family.ts";

/** What goes from left to right. */
export type Along = "time" | "steps";

/** A run, or the hollow end of a link to one that is not on this server. */
export interface Bar {
  run_id: string;
  node: LineageNode | null;
  lane: number;
  left: number;
  top: number;
  width: number;
  /** Whether it is known where it belongs: a run without points has no steps. */
  placed: boolean;
}

/** A training. */
export interface Lane {
  training: string;
  name: string;
  /** What it came of: `forked at step 60,050`. */
  how: string;
  /** Where its name begins. */
  left: number;
  top: number;
  height: number;
}

/** How two runs hang together. */
export interface Line {
  kind: "resume" | "fork" | "nest" | "copy";
  from: string;
  to: string;
  path: string;
  /** Where a fork branched, where that is known. */
  branch: { x: number; y: number } | null;
  /** From where to where it reaches down. */
  top: number;
  bottom: number;
}

export interface Lanes {
  height: number;
  lanes: readonly Lane[];
  /** Lane by lane, in each as they began. */
  bars: readonly Bar[];
  lines: readonly Line[];
  /** The ends of the axis, ms or steps, and where on it something is. */
  from: number;
  to: number;
  xOf: (value: number) => number;
}

export interface LanesWish {
  along: Along;
  width: number;
  nowMs: number;
  /** The step of its origin at which a fork begins, as it was chosen by hand. */
  shifts: ReadonlyMap<string, number>;
  /** Says a step. */
  step: (value: number) => string;
}

export const BAR_PX = 24;
/** A bar is hit by a finger, and two short ones of a lane stand apart. */
const LEAST_WIDTH = 24;
const GAP = 3;
const NAME_PX = 22;
const ROW_PX = BAR_PX + 6;
const LANE_GAP = 10;
/** Room at both sides, in which lines of the first runs go down. */
const SIDE = 44;
/** Room for a name. */
const NAME_WIDTH = 300;
const ROUND = 8;
/** Runs that overlap by less stand in one row: nobody sees so little. */
const SLIGHT = 8;

/** A bar, and where its run began and ended. */
interface Placed {
  bar: Bar;
  start: number;
  end: number;
}

/** Lays out a lineage. Whatever hangs on what, each run is there once. */
export function layLanes(lineage: Lineage, wish: LanesWish): Lanes {
  const places = placesOf(lineage);
  const lanes: Lane[] = [];
  const bars: Bar[] = [];
  const spans = new Map(lineage.nodes.map((node) => [node.run_id, spanOf(node, wish)]));
  const known = [...spans.values()].filter((span) => span !== null);
  const from = known.reduce((least, [start]) => Math.min(least, start), Infinity);
  const to = known.reduce((greatest, [, end]) => Math.max(greatest, end), -Infinity);
  const room = Math.max(1, wish.width - 2 * SIDE);
  const xOf = (value: number): number => SIDE + (to > from ? ((value - from) / (to - from)) * room : 0);

  let top = 0;
  for (const { place, members } of places) {
    const lane = lanes.length;
    const found = members.map((node): Placed => {
      const span = spans.get(node.run_id) ?? null;
      const start = span === null ? SIDE : xOf(span[0]);
      const end = span === null ? SIDE + LEAST_WIDTH : xOf(span[1]);
      return { bar: { run_id: node.run_id, node, lane, left: start, width: LEAST_WIDTH, top: 0, placed: span !== null }, start, end };
    });
    const isLesser = ({ bar: { node } }: Placed): number => Number(node?.role !== "attempt");
    found.sort((one, other) => isLesser(one) - isLesser(other) || one.start - other.start);
    const rows = rowsOf(found, wish.width);
    rows.forEach((row, place) => {
      spread(row, wish.width);
      for (const { bar } of row) bar.top = top + NAME_PX + place * ROW_PX;
    });
    const own = found.map(({ bar }) => bar);
    if (members.length === 0) own.push({ run_id: place, node: null, lane, left: 0, width: LEAST_WIDTH, top: top + NAME_PX, placed: false });
    const height = NAME_PX + Math.max(1, rows.length) * ROW_PX;
    const left = nameLeft(own[0], wish);
    lanes.push({ training: place, name: members[0]?.run_name || place.slice(0, 8), how: "", left, top, height });
    bars.push(...own);
    top += height + LANE_GAP;
  }
  const lines = linesOf(lineage, bars, lanes, wish, xOf);
  return { height: top, lanes, bars, lines, from, to, xOf };
}

/** The rows in which bars stand: one for all that follow each other, as far as there is room for them. */
function rowsOf(found: readonly Placed[], width: number): readonly Placed[][] {
  const most = Math.max(1, Math.floor(width / (LEAST_WIDTH + GAP)));
  const rows: { end: number; members: Placed[] }[] = [];
  for (const one of found) {
    const row = rows.find(({ end, members }) => members.length < most && end < one.start + SLIGHT);
    if (row) {
      row.members.push(one);
      row.end = Math.max(row.end, one.end);
    } else rows.push({ end: one.end, members: [one] });
  }
  return rows.map(({ members }) => members);
}

/** Gives the bars of a row their places: none is too short to be hit, so that short ones move those after them to the right. */
function spread(row: readonly Placed[], width: number): void {
  let free = 0;
  for (const { bar, start, end } of row) {
    bar.left = Math.max(start, free);
    bar.width = Math.max(LEAST_WIDTH, end - GAP - bar.left);
    free = bar.left + bar.width + GAP;
  }
  // What goes beyond the edge moves back, as far as it must.
  let edge = width;
  for (const { bar } of [...row].reverse()) {
    const right = Math.min(edge, bar.left + bar.width);
    bar.left = Math.min(bar.left, right - LEAST_WIDTH);
    bar.width = right - bar.left;
    edge = bar.left - GAP;
  }
}

/** The bar that an arrow key leads to from another; the same where there is none further. */
export function neighbour(bars: readonly Bar[], run: string, key: string): Bar | undefined {
  const place = bars.findIndex(({ run_id }) => run_id === run);
  const here = bars[place];
  switch (key) {
    case "Home":
      return bars[0];
    case "End":
      return bars[bars.length - 1];
    case "ArrowLeft":
      return bars[place - 1] ?? here;
    case "ArrowRight":
      return bars[place + 1] ?? here;
    default: {
      if (here === undefined) return bars[0];
      const lane = here.lane + (key === "ArrowDown" ? 1 : -1);
      const away = (bar: Bar): number => Math.abs(bar.left - here.left);
      return bars.filter((bar) => bar.lane === lane).sort((one, other) => away(one) - away(other))[0] ?? here;
    }
  }
}

/** The trainings in the order of the indented list, and the ends that are not on this server. */
function placesOf(lineage: Lineage): readonly { place: string; members: readonly LineageNode[] }[] {
  const members = new Map<string, LineageNode[]>();
  const trainingOf = new Map<string, string>();
  for (const node of lineage.nodes) {
    trainingOf.set(node.run_id, node.training_id);
    const some = members.get(node.training_id);
    if (some === undefined) members.set(node.training_id, [node]);
    else some.push(node);
  }
  const order: string[] = [];
  const done = new Set<string>();
  const put = (place: string): void => {
    if (done.has(place)) return;
    done.add(place);
    order.push(place);
  };
  // A copy stands beside what else its training has, also where nobody here knows its source.
  const sources = new Map<string, string[]>();
  for (const edge of lineage.edges) {
    const target = edge.target_run_id ?? edge.target;
    const place = trainingOf.get(edge.run_id);
    if (edge.kind !== "copy" || trainingOf.has(target) || place === undefined) continue;
    sources.set(place, [...(sources.get(place) ?? []), target]);
  }
  const visit = ({ run_id, node, below }: Branch): void => {
    const place = node?.training_id ?? run_id;
    for (const source of sources.get(place) ?? []) put(source);
    put(place);
    for (const branch of below) visit(branch);
  };
  for (const branch of outline(lineage, String)) visit(branch);
  return order.map((place) => ({ place, members: members.get(place) ?? [] }));
}

/** From where to where a run goes along the axis; null where that is not known. */
function spanOf(node: LineageNode, { along, nowMs, shifts }: LanesWish): readonly [number, number] | null {
  if (along === "steps") {
    const { first_step: first = null, last_step: last = null } = node;
    const shift = shifts.get(node.run_id) ?? 0;
    return first === null || last === null ? null : [first + shift, last + shift];
  }
  const start = node.start_time ?? node.last_point_time ?? null;
  if (start === null) return null;
  const end = node.end_time ?? (node.status === "RUNNING" ? nowMs : (node.last_point_time ?? start));
  return [start, Math.max(start, end)];
}

/** The lines of all links. Says in the lanes what they came of, and puts ends that are not here before what hangs on them. */
function linesOf(lineage: Lineage, bars: readonly Bar[], lanes: Lane[], wish: LanesWish, xOf: (value: number) => number): readonly Line[] {
  const byRun = new Map(bars.map((bar) => [bar.run_id, bar]));
  const attempts = new Map<string, Bar[]>();
  for (const bar of bars) {
    if (bar.node?.role !== "attempt") continue;
    const some = attempts.get(bar.node.training_id);
    if (some === undefined) attempts.set(bar.node.training_id, [bar]);
    else some.push(bar);
  }
  const lines: Line[] = [];
  for (const some of attempts.values()) {
    some.sort((one, other) => (one.node?.attempt ?? 0) - (other.node?.attempt ?? 0));
    some.slice(1).forEach((bar, index) => {
      const before = some[index];
      if (before) lines.push(line("resume", before, bar, along(before, bar)));
    });
  }
  const links = lineage.edges.flatMap((edge) => {
    const bar = byRun.get(edge.run_id);
    const target = byRun.get(edge.target_run_id ?? edge.target);
    return bar === undefined || target === undefined || bar === target ? [] : [{ edge, bar, target }];
  });
  for (const { bar, target } of links) {
    if (target.node === null) target.left = Math.max(target.left, Math.min(wish.width - LEAST_WIDTH, bar.left - SIDE));
  }
  // Where two links lead to a training, that of the fork says where the weights came from.
  for (const kind of ["fork", "nest", "resume", "copy"] as const) {
    for (const { edge, bar, target } of links) {
      const lane = lanes[bar.lane];
      if (edge.kind !== kind || lane === undefined || (kind === "resume" && bar.lane === target.lane)) continue;
      const step = edge.step ?? wish.shifts.get(bar.run_id) ?? null;
      if (bar.lane !== target.lane && lane.how === "") lane.how = howWords(kind, edge.step ?? null, step, isRestarted(bar.node, target.node), wish.step);
      if (kind === "fork") lines.push(forkLine(bar, target, step, attempts, wish, xOf));
      else lines.push(line(kind, target, bar, kind === "nest" ? down(target.left + ROUND, target, bar) : down(target.left + target.width / 2, target, bar)));
    }
  }
  for (const bar of bars) {
    const lane = lanes[bar.lane];
    if (bar.node === null && lane) {
      lane.left = nameLeft(bar, wish);
      lane.how = "not on this server";
    }
  }
  return lines;
}

/** Whether it is by its own steps that a fork does not show where it began. */
export function isRestarted(fork: LineageNode | null, origin: LineageNode | null): boolean {
  return typeof fork?.first_step === "number" && typeof origin?.last_step === "number";
}

/** Beside a line that comes down to the bar, and with room for a name. */
function nameLeft(bar: Bar | undefined, { width }: LanesWish): number {
  return Math.max(0, Math.min((bar?.left ?? 0) + ROUND, width - NAME_WIDTH));
}

function howWords(kind: Line["kind"], shown: number | null, step: number | null, restarted: boolean, say: (step: number) => string): string {
  if (kind === "nest") return "nested";
  if (kind !== "fork") return kind === "resume" ? "resumed" : "copied";
  if (shown !== null) return `forked at step ${say(shown)}`;
  if (step !== null) return `forked, taken to begin at step ${say(step)}`;
  return restarted ? "forked, step restarted" : "forked";
}

/** A fork leaves the attempt that has its step, which need not be the one that it names. */
function forkLine(bar: Bar, target: Bar, step: number | null, attempts: ReadonlyMap<string, readonly Bar[]>, { along: axis }: LanesWish, xOf: (value: number) => number): Line {
  const has = ({ node }: Bar): boolean => step !== null && typeof node?.first_step === "number" && typeof node.last_step === "number" && node.first_step <= step && step <= node.last_step;
  const some = attempts.get(target.node?.training_id ?? "") ?? [];
  const origin = step === null || has(target) ? target : (some.find(has) ?? target);
  const { node, left, width } = origin;
  const [first, last] = [node?.first_step ?? 0, node?.last_step ?? 0];
  const within = (x: number): number => Math.min(left + width, Math.max(left, x));
  const share = step === null || last <= first ? 1 : (step - first) / (last - first);
  const x = within(axis === "steps" && step !== null ? xOf(step) : left + share * width);
  const branch = step === null || node === null ? null : { x, y: origin.top + BAR_PX };
  return { ...line("fork", origin, bar, down(x, origin, bar)), branch };
}

function line(kind: Line["kind"], from: Bar, to: Bar, path: string): Line {
  const [top, bottom] = [Math.min(from.top, to.top), Math.max(from.top, to.top) + BAR_PX];
  return { kind, from: from.run_id, to: to.run_id, path, branch: null, top, bottom };
}

/** From the end of an attempt to the beginning of the next. */
function along(from: Bar, to: Bar): string {
  const [x1, y1, x2, y2] = [from.left + from.width, from.top + BAR_PX / 2, to.left, to.top + BAR_PX / 2];
  if (y1 === y2 && x2 >= x1) return `M${px(x1)} ${y1}H${px(x2)}`;
  return `M${px(x1)} ${y1}C${px(x1 + SIDE / 2)} ${y1} ${px(x2 - SIDE / 2)} ${y2} ${px(x2)} ${y2}`;
}

/** From a place of a bar to the beginning of one in another lane. */
function down(x: number, from: Bar, to: Bar): string {
  const falls = to.top >= from.top;
  const y1 = from.top + (falls ? BAR_PX : 0);
  const y2 = to.top + BAR_PX / 2;
  const room = to.left - x;
  if (Math.abs(room) < ROUND * 1.5) return `M${px(x)} ${y1}V${to.top + (falls ? 0 : BAR_PX)}`;
  if (room > 0) return `M${px(x)} ${y1}V${y2 - (falls ? ROUND : -ROUND)}Q${px(x)} ${y2} ${px(x + ROUND)} ${y2}H${px(to.left)}`;
  return `M${px(x)} ${y1}C${px(x)} ${(y1 + y2) / 2} ${px(to.left - SIDE)} ${y2} ${px(to.left)} ${y2}`;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}
