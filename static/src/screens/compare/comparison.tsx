import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { RunCharts } from "../../charts/run_charts.tsx";
import { useKeys } from "../../frame/keys.ts";
import { inks } from "../../lib/colours.ts";
import { distinctNames } from "../../lib/distinct.ts";
import { counted } from "../../lib/format.ts";
import { Section } from "../../parts/basics.tsx";
import { useChanges } from "../../state/live.ts";
import { change, place } from "../../state/router.ts";
import type { Known, LeftOut } from "../../state/run_facts.ts";
import { Differences } from "./differences.tsx";
import { putSet } from "./put_set.ts";
import type { Compared } from "./run_head.tsx";
import { columnsOf, listed, moved, toggled } from "./run_set.ts";
import { CompareSet } from "./set.tsx";
import type { SetActions } from "./set.tsx";
import { Values } from "./values.tsx";

/** The runs that are known of those that were asked for, and what they come to. */
export function Comparison({
  ids,
  known,
  isComplete,
  again,
}: {
  ids: readonly string[];
  known: Known;
  /** Whether `known` is about all of `ids`. */
  isComplete: boolean;
  again: () => void;
}): JSX.Element {
  const { state } = place.value;
  const [round, setRound] = useState(0);
  const pointed = useSignal<string | null>(null);
  const facts = new Map(known.runs.map((run) => [run.id, run]));
  const runs = ids.flatMap((id) => facts.get(id) ?? []);
  const base = runs.find(({ id }) => id === state.base) ?? runs[0];
  const hidden = listed(state.hide);
  const experiments = [...new Set(runs.map(({ experiment }) => experiment))].sort();
  const ink = inks(runs.map(({ id }) => id));

  useChanges(experiments, ({ reset, runs: changed }) => {
    const ours = changed.filter(({ run_id }) => facts.has(run_id));
    if (reset || ours.length > 0) setRound(round + 1);
    if (reset || ours.some(({ kinds }) => kinds.includes("info"))) again();
  });
  const hide = (run: string): void => change({ hide: toggled(hidden, run).join() });
  useKeys({ e: { name: "Hide or show the run that is pointed at", run: () => pointed.value !== null && hide(pointed.value) } });
  const actions: SetActions = {
    setBase: (run) => change({ base: run }),
    hide,
    remove: (run) => putSet(ids.filter((id) => id !== run)),
    // Places are those of the runs that are known; the others keep out of the way at the end.
    move: (from, to) => putSet([...moved(runs, from, to).map(({ id }) => id), ...ids.filter((id) => !facts.has(id))]),
    point: (run) => (pointed.value = run),
  };

  const compared: Compared = {
    ids: runs.map(({ id }) => id).sort(),
    columns: columnsOf(runs, base?.id, hidden),
    inks: ink,
    pointed,
    round,
  };
  const leftOut = isComplete ? known.leftOut.filter(({ id }) => ids.includes(id)) : [];
  return (
    <>
      {leftOut.length > 0 && <MissingRuns runs={leftOut} drop={() => putSet(runs.map(({ id }) => id))} />}
      {runs.length > 0 && <CompareSet runs={runs} inks={ink} base={base?.id} hidden={hidden} pointed={pointed} actions={actions} />}
      {runs.length > 1 && (
        <>
          <Section title="Curves">
            <RunCharts runs={distinctNames(runs)} experiments={experiments} hovered={pointed} hidden={hidden} onHide={hide} />
          </Section>
          <Differences compared={compared} />
          <Values compared={compared} />
        </>
      )}
    </>
  );
}

/** Says which runs are not compared, and why. */
function MissingRuns({ runs, drop }: { runs: readonly LeftOut[]; drop: () => void }): JSX.Element {
  return (
    <div class="trouble" role="status">
      <p>
        <strong>{counted(runs.length, "run")} cannot be compared.</strong>
      </p>
      <ul class="missing-runs">
        {runs.map(({ id, name }) => (
          <li key={id}>
            {name === null ? (
              <>
                <code>{id}</code> does not exist, or is not for you to see.
              </>
            ) : (
              <>
                <bdi>{name}</bdi> <code>{id.slice(0, 8)}</code> is in the trash.
              </>
            )}
          </li>
        ))}
      </ul>
      <button type="button" onClick={drop}>
        Compare without {runs.length === 1 ? "it" : "them"}
      </button>
    </div>
  );
}
