import type { JSX } from "preact";
import { clockTime } from "../lib/format.ts";
import { connection, lookNow } from "../state/live.ts";
import { inUtc } from "../state/zone.ts";

const WORDS = { unknown: "", connected: "Live", lost: "Offline", refused: "" } as const;

/** Whether what is shown follows what happens. */
export function LiveSign(): JSX.Element {
  const { state, lastMs } = connection.value;
  return (
    <span class="live" data-state={state} title={lastMs === null ? undefined : `Last update ${clockTime(lastMs, inUtc())}`}>
      {WORDS[state]}
    </span>
  );
}

/** Says below the bar that the server does not answer, and since when. */
export function OfflineBar(): JSX.Element {
  const { state, lastMs } = connection.value;
  return (
    <div role="status">
      {state === "lost" && (
        <div class="offline">
          <span>Connection lost{lastMs === null ? "" : `, last update ${clockTime(lastMs, inUtc())}`}. It is tried again by itself.</span>
          <button type="button" onClick={lookNow}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
