// Which cards there are, and in which order. Pure.

/** A chart: one metric, or several in one drawing. Its `id` is made of their names. */
export interface Card {
  id: string;
  metrics: readonly string[];
}

export interface Section {
  title: string;
  cards: readonly Card[];
  /** Whether it is open before anybody chose. */
  open: boolean;
}

/** What there is to be shown. */
export interface Contents {
  metrics: readonly string[];
  principal: readonly string[];
  pinned: readonly string[];
  /** Metrics that were put into one drawing. */
  combined: readonly (readonly string[])[];
  /** Whether the metrics are of the machine: then the devices are the sections. */
  devices: boolean;
  /** Whether only what somebody looked for is there. */
  filtered: boolean;
}

/** So few cards need no closed sections. */
const FEW = 12;

/** Principal metrics, then pinned ones, then the rest by what stands before the `/` in their names, closed unless they are few. */
export function sectionsOf({ metrics, principal, pinned, combined, devices, filtered }: Contents): readonly Section[] {
  const cards = cardsOf([...metrics].sort(byName), combined);
  const left = new Map(cards.map((card) => [card.id, card]));
  const take = (names: readonly string[]): readonly Card[] => {
    const taken = names.flatMap((name) => [...left.values()].filter((card) => card.metrics.includes(name)));
    for (const card of taken) left.delete(card.id);
    return [...new Set(taken)];
  };
  const first = [
    { title: "Principal", cards: devices ? [] : take(principal), open: true },
    { title: "Pinned", cards: take(pinned), open: true },
  ];
  const rest = new Map<string, Card[]>();
  for (const card of left.values()) {
    const title = devices ? deviceOf(card.id) : prefixOf(card.id);
    rest.set(title, [...(rest.get(title) ?? []), card]);
  }
  const open = devices || filtered || cards.length <= FEW;
  const others = [...rest].sort(([one], [other]) => byName(one, other)).map(([title, its]) => ({ title, cards: its, open }));
  return [...first, ...others].filter((section) => section.cards.length > 0);
}

/** A combined card stands where the first of its metrics would. */
function cardsOf(metrics: readonly string[], combined: readonly (readonly string[])[]): readonly Card[] {
  const known = new Set(metrics);
  const together = combined.map((group) => group.filter((name) => known.has(name))).filter((group) => group.length > 1);
  const seen = new Set<string>();
  return metrics.flatMap((name) => {
    if (seen.has(name)) return [];
    const group = together.find((names) => names.includes(name)) ?? [name];
    for (const one of group) seen.add(one);
    return [{ id: group.join("+"), metrics: group }];
  });
}

function prefixOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? "Other metrics" : name.slice(0, slash);
}

/** `system/gpu_0_utilization_percentage` is of the device `gpu_0`. */
function deviceOf(name: string): string {
  const path = name.replace(/^system\//, "");
  const device = /^(.*\/)?(gpu_\d+|gpu|cpu|disk|network|system_memory|[^_]+)/.exec(path);
  return (device?.[0] ?? path).replaceAll("_", " ");
}

/** Numbers in their order: `layer_2` before `layer_10`. */
function byName(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}
