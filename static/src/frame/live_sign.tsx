import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { clockTime, whole } from "../lib/format.ts";
import { experiments, shareExperiments } from "../state/experiments.ts";
import { connection, lookNow, stirred } from "../state/live.ts";
import { RUNNING, address, isLive } from "../state/place.ts";
import { place } from "../state/router.ts";
import { inUtc } from "../state/zone.ts";

const WORDS = { unknown: "", connected: "Live", lost: "Offline", refused: "" } as const;

/** Pause between two counts of what runs, ms: a count is as much work as the list of experiments. */
const COUNT_MS = 15_000;

/** Whether what is shown follows what happens, and the way to what runs now. */
export function LiveSign(): JSX.Element {
  const { state, lastMs } = connection.value;
  useCounting();
  const running = (experiments.value ?? []).reduce((sum, one) => sum + one.running, 0);
  return (
    <a
      class="live"
      data-state={state}
      href={address({ screen: "runs", experiments: [] }, { q: RUNNING })}
      aria-current={isLive(place.value) ? "page" : undefined}
      title={lastMs === null ? undefined : `Last update ${clockTime(lastMs, inUtc())}`}
    >
      <span class={WORDS[state] === "" ? "unseen" : "live-word"}>{WORDS[state] || "What runs now"}</span>
      {running > 0 && (
        <span class="figure">
          {` ${whole(running)}`}
          <span class="live-word"> running</span>
        </span>
      )}
    </a>
  );
}

/** Counts anew when a run began or ended somewhere. */
function useCounting(): void {
  const last = useRef(0);
  const round = stirred.value;
  useEffect(() => {
    if (round === 0) return;
    const count = (): void => {
      last.current = Date.now();
      void shareExperiments().catch(() => undefined);
    };
    const timer = setTimeout(count, Math.max(0, last.current + COUNT_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [round]);
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
