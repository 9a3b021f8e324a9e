import type { JSX } from "preact";

/** Runs side by side (design: 6.4). */
export function Compare({ runs }: { runs: readonly string[] }): JSX.Element {
  return (
    <div class="screen">
      <h1>Compare {runs.length} runs</h1>
    </div>
  );
}
