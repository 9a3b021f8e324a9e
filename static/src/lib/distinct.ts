/** What runs are called where they stand side by side: those of one name by their ids as well. */
export function distinctNames<Run extends { id: string; name: string }>(runs: readonly Run[]): Run[] {
  const count = new Map<string, number>();
  for (const { name } of runs) count.set(name, (count.get(name) ?? 0) + 1);
  return runs.map((run) => ((count.get(run.name) ?? 0) > 1 ? { ...run, name: `${run.name} ${run.id.slice(0, 8)}` } : run));
}
