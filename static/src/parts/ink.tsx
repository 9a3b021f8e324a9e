import type { JSX } from "preact";
import type { Ink } from "../lib/colours.ts";

/** How the curves of a run are drawn, as a short piece of one; stands beside its name. */
export function InkSign({ ink }: { ink: Ink | undefined }): JSX.Element {
  return (
    <svg class="ink" viewBox="0 0 22 10" aria-hidden="true">
      <path d="M1 5h20" style={{ stroke: `var(--run-${ink?.hue ?? 11})`, strokeDasharray: ink?.dash.join(" ") ?? "" }} />
    </svg>
  );
}
