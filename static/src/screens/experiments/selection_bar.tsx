import type { JSX } from "preact";
import { counted } from "../../lib/format.ts";
import { address } from "../../state/place.ts";

const NONE: ReadonlySet<string> = new Set();

/** What can be done with the experiments that are selected. */
export function SelectionBar({ chosen, choose }: { chosen: ReadonlySet<string>; choose: (ids: ReadonlySet<string>) => void }): JSX.Element {
  return (
    <div class="selection-bar" role="region" aria-label="Selection">
      <span>{counted(chosen.size, "experiment")} selected</span>
      <a class="button primary" href={address({ screen: "runs", experiments: [...chosen] })}>
        Open their runs together
      </a>
      <button type="button" onClick={() => choose(NONE)}>
        Clear
      </button>
    </div>
  );
}
