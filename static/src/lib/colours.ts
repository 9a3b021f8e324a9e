// The colour of a run comes from its id, so that it is the same on every screen and for everybody.

/** The hues of `styles/tokens.css`, `--run-0` to `--run-11`. */
export const HUES = 12;
/** Dashes tell apart what shares a hue: on, off, … in pixels; none is a whole line. */
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** How a run is drawn. */
export interface Ink {
  /** The place of its hue, 0 to 11. */
  hue: number;
  /** Its dashes, in pixels. */
  dash: readonly number[];
}

/** The inks of runs that are shown together: no two are the same while there are enough of them. */
export function inks(runs: readonly string[]): ReadonlyMap<string, Ink> {
  const taken = new Set<number>();
  const found = new Map<string, Ink>();
  for (const run of runs) {
    const own = hash(run) % HUES;
    let dash = 0;
    while (dash < DASHES.length - 1 && taken.has(dash * HUES + own)) dash += 1;
    taken.add(dash * HUES + own);
    found.set(run, { hue: own, dash: DASHES[dash] ?? [] });
  }
  return found;
}

/** FNV-1a over the characters of an id. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return (value ^ (value >>> 15)) >>> 0;
}
