import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { RunSearch } from "../../api/runs.ts";
import { Related } from "../../charts/related.tsx";
import { RunCharts } from "../../charts/run_charts.tsx";
import { useKeys } from "../../frame/keys.ts";
import { inks } from "../../lib/colours.ts";
import { distinctNames } from "../../lib/distinct.ts";
import { baseOf } from "../../lib/forks.ts";
import type { Fork } from "../../lib/forks.ts";
import { counted, whole } from "../../lib/format.ts";
import { Section } from "../../parts/basics.tsx";
import { useAsk } from "../../state/ask.ts";
import { readForks } from "../../state/forks.ts";
import { useChanges } from "../../state/live.ts";
import { change, place } from "../../state/router.ts";
import type { Known, LeftOut } from "../../state/run_facts.ts";
import { Differences } from "./differences.tsx";
import { ImagesSection } from "./images_section.tsx";
import { putSet } from "./put_set.ts";
import type { Compared } from "./run_head.tsx";
import { columnsOf, listed, moved, toggled } from "./run_set.ts";
import { CompareSet } from "./set.tsx";
import type { SetActions } from "./set.tsx";
import { Values } from "./values.tsx";

const NO_FORKS: ReadonlyMap<string, Fork> = new Map();

/** The runs that are known of those that were asked for, and what they come to. */
export function Comparison({
  ids,
  others,
  known,
  isComplete,
  again,
}: {
  ids: readonly string[];
  /** Those of the address that are not compared here; what edits the set leaves them there. */
  others: readonly string[];
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
  const experiments = [...new Set(runs.map(({ experiment }) => experiment))].sort();
  const sorted = runs.map(({ id }) => id).sort();
  const forks = useAsk(sorted.length === 0 ? null : sorted.join(), (signal) => readForks(sorted, experiments, signal)).answer ?? NO_FORKS;
  const usual = baseOf(runs.map(({ id }) => id), forks);
  const base = runs.find(({ id }) => id === state.base) ?? runs.find(({ id }) => id === usual);
  const hidden = listed(state.hide);
  const ink = inks(runs.map(({ id }) => id));

  useChanges(experiments, ({ reset, runs: changed }) => {
    const ours = changed.filter(({ run_id }) => facts.has(run_id));
    if (reset || ours.length > 0) setRound(round + 1);
    if (reset || ours.some(({ kinds }) => kinds.includes("info"))) again();
  });
  const hide = (run: string): void => change({ hide: toggled(hidden, run).join() });
  useKeys({ e: { name: "Hide or show the run that is pointed at", run: () => pointed.value !== null && hide(pointed.value) } });
  const put = (set: readonly string[]): void => putSet([...set, ...others]);
  const actions: SetActions = {
    setBase: (run) => change({ base: run }),
    hide,
    remove: (run) => put(ids.filter((id) => id !== run)),
    // Places are those of the runs that are known; the others keep out of the way at the end.
    move: (from, to) => put([...moved(runs, from, to).map(({ id }) => id), ...ids.filter((id) => !facts.has(id))]),
    point: (run) => (pointed.value = run),
  };

  const compared: Compared = {
    ids: sorted,
    columns: columnsOf(runs, base?.id, hidden),
    inks: ink,
    pointed,
    round,
  };
  const leftOut = isComplete ? known.leftOut.filter(({ id }) => ids.includes(id)) : [];
  return (
    <>
      {leftOut.length > 0 && <MissingRuns runs={leftOut} drop={() => put(runs.map(({ id }) => id))} />}
      {runs.length > 0 && <CompareSet runs={runs} inks={ink} forks={forks} base={base?.id} hidden={hidden} pointed={pointed} actions={actions} />}
      {runs.length > 1 && (
        <>
          <Section title="Curves">
            <RunCharts
              runs={distinctNames(runs)}
              experiments={experiments}
              hovered={pointed}
              hidden={hidden}
              onHide={hide}
              forks={forks}
              report={{ title: titleOf(runs), base: base?.id ?? null }}
            />
          </Section>
          <Differences compared={compared} />
          <Values compared={compared} />
          <Section title="Relations">
            <Related search={searchFor(compared.ids, experiments)} isSet hidden={hidden} hovered={pointed} />
          </Section>
          <ImagesSection compared={compared} />
        </>
      )}
    </>
  );
}

/** A comparison in a few words: of few runs their names, of more how many. */
function titleOf(runs: readonly { name: string }[]): string {
  return runs.length <= 3 ? runs.map(({ name }) => name).join(", ") : `Comparison of ${whole(runs.length)} runs`;
}

/** The search that finds these runs and no others. */
function searchFor(runs: readonly string[], experiments: readonly string[]): RunSearch {
  return { experiment_ids: experiments, filter: `attributes.run_id IN (${runs.map((run) => `'${run}'`).join(", ")})` };
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
