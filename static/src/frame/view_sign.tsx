import type { JSX } from "preact";
import { tailOfPath } from "../lib/format.ts";
import { Icon, Name } from "../parts/basics.tsx";
import { viewOf } from "../state/session.ts";

/** Says of a server that only shows a store that nothing can be changed, and which store it is. */
export function ViewSign(): JSX.Element | null {
  const source = viewOf.value;
  if (source === null) return null;
  const words = `Read-only view of ${source}`;
  return (
    <p class="view-sign" title={words}>
      <span class="unseen">{words}</span>
      <span class="view-words" aria-hidden="true">
        <Icon name="eye" />
        <span class="view-kind">Read-only view of</span>
        <Name text={source} tail={tailOfPath(source)} />
      </span>
    </p>
  );
}
