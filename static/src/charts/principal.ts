// Which metrics matter most (design: 6.2, "Principal metrics"). Pure.

/** As many as a table has columns for, and an overview has room for. */
const MOST = 3;

/** What is looked at first, second and so on; case says nothing. */
const KINDS: readonly RegExp[] = [/val.*loss/i, /loss/i, /rmse|wmse/i, /^lr/i];

/**
 * The metrics that are looked at first: those pinned, in their order, then validation losses, other losses, errors and learning
 * rates, in each of these groups the ones that most runs have. At most three; names that are not among `keys` are left out.
 */
export function principalMetrics(keys: readonly { key: string; runs: number }[], pinned: readonly string[]): readonly string[] {
  const known = new Set(keys.map(({ key }) => key));
  const byRuns = keys.filter(({ key }) => !key.startsWith("system/")).sort(inOrder);
  const ranked = KINDS.flatMap((kind) => byRuns.filter(({ key }) => kind.test(key)).map(({ key }) => key));
  const chosen = [...new Set([...pinned.filter((key) => known.has(key)), ...ranked])];
  return (chosen.length > 0 ? chosen : byRuns.map(({ key }) => key)).slice(0, MOST);
}

/** Those that most runs have; of equal ones those of validations, and of these the short names, which are the general ones. */
function inOrder(one: { key: string; runs: number }, other: { key: string; runs: number }): number {
  const validates = ({ key }: { key: string }): number => Number(/val/i.test(key));
  return other.runs - one.runs || validates(other) - validates(one) || one.key.length - other.key.length || (one.key < other.key ? -1 : 1);
}
