// The rows of a tree as one list: which row stands at which place, where some rows are open. Pure.

import type { Cell, Live, Progress, TreeRow } from "../../api/runs.ts";

/** A row of the table. */
export interface Row {
  /** What it is called among the open ones: a training is called after the run that it shows, a run of it with a `~`. */
  key: string;
  run: string;
  experiment: string;
  deleted: boolean;
  /** By field. */
  cells: ReadonlyMap<string, Cell>;
  /** Null where every run is a row. */
  tree: TreeRow | null;
  progress: Progress | null;
  live: Live | null;
}

/** The rows beside each other below one row, or at the top; those that are not there yet are not known. */
export interface Level {
  /** How many there are; before they were asked for, how many there should be. */
  total: number;
  rows: ReadonlyMap<number, Row>;
  /** The places of the rows by their keys. */
  places: ReadonlyMap<string, number>;
}

/** The name of the top level. */
export const TOP = "";

/** A place in the list. */
export interface Slot {
  index: number;
  level: string;
  /** Which row of its level. */
  place: number;
  /** From 1 on. */
  depth: number;
  /** The index of the row that it is below; -1 at the top. */
  above: number;
  row: Row | undefined;
}

/** How many rows open beneath this one, and by which name; null for none. Attempts of a training, else what is nested in it. */
export function below(row: Row): { level: string; total: number } | null {
  const { tree } = row;
  if (tree === null) return null;
  const members = tree.attempts + tree.copies + tree.prepared;
  if (tree.kind === "training" && members > 1) return { level: `attempts_of:${row.run}`, total: members };
  return tree.children > 0 ? { level: `children_of:${row.run}`, total: tree.children } : null;
}

/** Rows of one level that stand together. */
interface Stretch {
  index: number;
  level: string;
  place: number;
  count: number;
  depth: number;
  above: number;
}

/** The list that a tree makes. */
export class Outline {
  readonly total: number;
  private readonly stretches: Stretch[] = [];

  constructor(
    private readonly levels: ReadonlyMap<string, Level>,
    private readonly open: ReadonlySet<string>,
  ) {
    this.total = this.add(TOP, levels.get(TOP)?.total ?? 0, 0, 1, -1);
  }

  /** What stands at a place; undefined beyond the end. */
  slot(index: number): Slot | undefined {
    let [low, high] = [0, this.stretches.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.stretches[middle]?.index ?? 0) <= index) low = middle;
      else high = middle;
    }
    const found = this.stretches[low];
    if (found === undefined || index < found.index || index >= found.index + found.count) return undefined;
    const place = found.place + index - found.index;
    const { level, depth, above } = found;
    return { index, level, place, depth, above, row: this.levels.get(level)?.rows.get(place) };
  }

  /** Whether a row is open. */
  isOpen(row: Row): boolean {
    return this.open.has(row.key) && below(row) !== null;
  }

  /** The index of the row with this key, among those that are known and shown; -1 for none. */
  indexOf(key: string): number {
    for (const { index, level, place, count } of this.stretches) {
      const found = this.levels.get(level)?.places.get(key);
      if (found !== undefined && found >= place && found < place + count) return index + found - place;
    }
    return -1;
  }

  /** Adds a level from `index` on; the index after it. */
  private add(name: string, total: number, index: number, depth: number, above: number): number {
    const level = this.levels.get(name);
    const stretch = (place: number, end: number): void => {
      if (end > place) this.stretches.push({ index, level: name, place, count: end - place, depth, above });
      index += Math.max(0, end - place);
    };
    let place = 0;
    for (const at of level === undefined ? [] : this.openPlaces(level)) {
      const row = level?.rows.get(at);
      const inner = row && below(row);
      if (!inner) continue;
      stretch(place, at + 1);
      place = at + 1;
      index = this.add(inner.level, this.levels.get(inner.level)?.total ?? inner.total, index, depth + 1, index - 1);
    }
    stretch(place, total);
    return index;
  }

  private openPlaces(level: Level): number[] {
    const places: number[] = [];
    for (const key of this.open) {
      const place = level.places.get(key);
      if (place !== undefined) places.push(place);
    }
    return places.sort((one, other) => one - other);
  }
}
