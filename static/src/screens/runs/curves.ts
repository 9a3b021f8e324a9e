// The small curves in cells: asked for as their rows come to be seen, many in one request.

import { signal } from "@preact/signals";
import { wasGivenUp } from "../../api/client.ts";
import { inlineCurves } from "../../api/series.ts";
import type { InlineCurve } from "../../api/series.ts";

/** Curves by metric and run. */
export class Curves {
  /** Rises with every answer. */
  readonly version = signal(0);
  private readonly known = new Map<string, InlineCurve | null>();
  private readonly end = new AbortController();

  /** Whether the attempts of a training are one curve. */
  constructor(private readonly joined: boolean) {}

  /** The curve of a run; undefined while it is not known. */
  of(metric: string, run: string): InlineCurve | null | undefined {
    return this.known.get(name(metric, run));
  }

  /** Asks for what is not known yet. A curve that cannot be had stays empty: the number beside it says more. */
  async need(metric: string, runs: readonly string[]): Promise<void> {
    const missing = runs.filter((run) => !this.known.has(name(metric, run)));
    if (missing.length === 0) return;
    for (const run of missing) this.known.set(name(metric, run), null);
    try {
      for (const curve of await inlineCurves(missing, metric, this.joined, this.end.signal)) this.known.set(name(metric, curve.run_id), curve);
      this.version.value += 1;
    } catch (cause) {
      if (!wasGivenUp(cause)) this.forget(missing);
    }
  }

  /** These runs have new points. */
  forget(runs: readonly string[]): void {
    const old = new Set(runs);
    for (const key of [...this.known.keys()]) if (old.has(key.slice(0, key.indexOf(" ")))) this.known.delete(key);
  }

  close(): void {
    this.end.abort();
  }
}

function name(metric: string, run: string): string {
  return `${run} ${metric}`;
}
