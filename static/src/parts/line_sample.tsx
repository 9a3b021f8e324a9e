import type { JSX } from "preact";
import type { Ink } from "../lib/colours.ts";

/** How a run is drawn: a short line of its hue and its dashes. */
export function LineSample({ ink }: { ink: Ink }): JSX.Element {
  return (
    <svg class="line-sample" viewBox="0 0 22 8" aria-hidden="true" style={{ color: `var(--run-${ink.hue})` }}>
      <path d="M0 4H22" stroke-dasharray={ink.dash.join(" ")} />
    </svg>
  );
}
