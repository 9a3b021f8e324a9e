import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { find } from "../../api/runs.ts";
import { Name, Status } from "../../parts/basics.tsx";
import { focused } from "../../parts/focus.ts";
import { Answered } from "../../parts/states.tsx";
import { counted } from "../../lib/format.ts";
import { useAsk } from "../../state/ask.ts";
import { basket } from "../../state/basket.ts";

/** How long after the last key the server is asked, ms. */
const PAUSE_MS = 200;
/** Runs that are found at most. */
const FOUND = 12;

/** Finds runs to compare, by name, id or job, and offers those of the basket. `taken` are there already. */
export function AddRuns({ taken, add }: { taken: readonly string[]; add: (runs: readonly string[]) => void }): JSX.Element {
  const [text, setText] = useState("");
  const [asked, ask] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => ask(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useAsk(asked === "" ? null : asked, (signal) => find(asked, FOUND, signal));
  const inBasket = basket.value.filter((run) => !taken.includes(run));
  return (
    <div class="add-runs">
      <input
        type="search"
        ref={focused}
        aria-label="Find runs by name, id or job"
        placeholder="Find runs by name, id or job"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {inBasket.length > 0 && (
        <button type="button" onClick={() => add(inBasket)}>
          Add {counted(inBasket.length, "run")} of the basket
        </button>
      )}
      {asked !== "" && (
        <Answered asked={found} what="The runs" lines={3}>
          {({ runs }) => {
            const offered = runs.filter(({ run_id }) => !taken.includes(run_id));
            if (offered.length === 0) return <p class="hint">{runs.length === 0 ? "No run is found." : "All that is found is compared already."}</p>;
            return (
              <ul class="add-runs-found" aria-label="Runs that are found">
                {offered.map(({ run_id, run_name, experiment_name, status }) => (
                  <li key={run_id}>
                    <button type="button" class="menu-item" onClick={() => add([run_id])}>
                      <Name text={run_name} />
                      <span class="hint">
                        <Name text={experiment_name} />
                      </span>
                      <code class="hint">{run_id.slice(0, 8)}</code>
                      <Status status={status} />
                    </button>
                  </li>
                ))}
              </ul>
            );
          }}
        </Answered>
      )}
    </div>
  );
}
