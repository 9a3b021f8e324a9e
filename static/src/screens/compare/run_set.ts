// The set of runs of a comparison, as its address has it. Pure.

/** Puts what is at one place of a list at another. */
export function moved<Item>(items: readonly Item[], from: number, to: number): Item[] {
  const result = [...items];
  result.splice(Math.max(0, to), 0, ...result.splice(from, 1));
  return result;
}

/** The list that an address keeps as one text. */
export function listed(text: string | undefined): readonly string[] {
  return (text ?? "").split(",").filter((item) => item !== "");
}

/** A list with an item in it, or without it if it was there. */
export function toggled(items: readonly string[], item: string): readonly string[] {
  return items.includes(item) ? items.filter((other) => other !== item) : [...items, item];
}

/** What tables show of a set: the base, then all others that are not hidden. */
export function columnsOf<Run extends { id: string }>(runs: readonly Run[], base: string | undefined, hidden: readonly string[]): readonly Run[] {
  const first = runs.find(({ id }) => id === base);
  const others = runs.filter((run) => run !== first && !hidden.includes(run.id));
  return first === undefined ? others : [first, ...others];
}

/** The words of a filter; a row is shown that has all of them. */
export function wordsOf(filter: string): readonly string[] {
  return filter.toLowerCase().split(/\s+/).filter((word) => word !== "");
}
