import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listExperiments, restoreExperiment } from "../../api/experiments.ts";
import type { Experiment } from "../../api/experiments.ts";
import { deleteRuns, restoreRuns } from "../../api/runs.ts";
import { counted, size, whole } from "../../lib/format.ts";
import { Name, Time } from "../../parts/basics.tsx";
import { Changing } from "../../parts/changing.tsx";
import { FilterBox } from "../../parts/filter_box.tsx";
import { attempt, notify } from "../../parts/notice.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { isActive } from "../../state/experiments.ts";
import { useChanges } from "../../state/live.ts";
import { address } from "../../state/place.ts";
import { place } from "../../state/router.ts";
import { mayChange } from "../../state/session.ts";
import { Table } from "./table.tsx";

/** What was deleted, of all experiments, and the way back. */
export function Trash(): JSX.Element {
  const asked = useAsk("trash", (signal) => listExperiments("ALL", signal));
  useChanges([], asked.again);
  const wanted = (place.value.state.q ?? "").toLowerCase();
  return (
    <Answered asked={asked} what="The trash">
      {(all) => {
        // The runs of a deleted experiment come back with it.
        const thrown = all.filter((experiment) => !isActive(experiment) || experiment.deleted_runs > 0);
        if (thrown.length === 0) return <Nothing title="The trash is empty." />;
        const found = thrown.filter(({ name }) => name.toLowerCase().includes(wanted));
        const deleted = found.filter((experiment) => !isActive(experiment));
        const withRuns = found.filter(isActive);
        return (
          <>
            <div class="screen-head">
              <p class="hint">
                What is here is left out of tables and cannot be written to. It stays, with its files, until it is restored: nothing is
                removed for good by itself, and there is no way yet to do so.
              </p>
              <div class="screen-tools">
                <FilterBox placeholder="Filter by name" />
              </div>
            </div>
            {found.length === 0 && <Nothing title={`No experiment fits the filter; it hides ${whole(thrown.length)}.`} />}
            {deleted.length > 0 && <ExperimentsInTrash experiments={deleted} again={asked.again} />}
            {withRuns.length > 0 && <RunsInTrash experiments={withRuns} again={asked.again} />}
          </>
        );
      }}
    </Answered>
  );
}

function Nothing({ title }: { title: string }): JSX.Element {
  return (
    <Empty title={title}>
      <a class="button" href={address({ screen: "experiments" })}>
        All experiments
      </a>
    </Empty>
  );
}

interface Some {
  experiments: readonly Experiment[];
  again: () => void;
}

function ExperimentsInTrash({ experiments, again }: Some): JSX.Element {
  const [chosen, choose] = useState<readonly string[]>([]);
  const ids = experiments.map(({ experiment_id: id }) => id);
  const picked = ids.filter((id) => chosen.includes(id));
  const restore = (wanted: readonly string[]): Promise<void> =>
    attempt("Restoring", async () => {
      try {
        for (const id of wanted) await restoreExperiment(id);
      } finally {
        again();
      }
      notify(`Restored ${counted(wanted.length, "experiment")}.`);
    });
  const pick = (name: string, isPicked: boolean, next: readonly string[]): JSX.Element => (
    <label class="hit">
      <input type="checkbox" aria-label={name} checked={isPicked} onChange={() => choose(next)} />
    </label>
  );
  const all = picked.length === ids.length;
  const heads = ["Name", "Runs", "Size", "Deleted"];
  return (
    <section class="section" aria-label="Experiments in the trash">
      <header class="section-head">
        <h2>Experiments</h2>
        {picked.length > 0 && (
          <button type="button" class="primary" onClick={() => void restore(picked)}>
            Restore {counted(picked.length, "experiment")}
          </button>
        )}
      </header>
      <Table
        name="Table of deleted experiments"
        heads={mayChange.value ? [pick("Select all", all, all ? [] : ids), ...heads] : heads}
        {...(mayChange.value && { act: "Restore" })}
        lines={experiments}
      >
        {({ experiment_id: id, name, runs, deleted_runs: deleted, artifact_bytes: bytes, last_update_time: time }) => (
          <tr key={id}>
            <Changing>
              <td>{pick(`Select ${name}`, picked.includes(id), picked.includes(id) ? picked.filter((one) => one !== id) : [...picked, id])}</td>
            </Changing>
            <th scope="row">
              <Name text={name} />
            </th>
            <td>{whole(runs + deleted)}</td>
            <td>{size(bytes)}</td>
            <td>
              <Time ms={time} />
            </td>
            <Changing>
              <td>
                <button type="button" aria-label={`Restore ${name}`} onClick={() => void restore([id])}>
                  Restore
                </button>
              </td>
            </Changing>
          </tr>
        )}
      </Table>
    </section>
  );
}

/** How many runs are in the trash of each experiment; the table of runs has each of them. */
function RunsInTrash({ experiments, again }: Some): JSX.Element {
  const total = experiments.reduce((sum, { deleted_runs: runs }) => sum + runs, 0);
  const restore = (id: string): Promise<void> =>
    attempt("Restoring", async () => {
      const runs = await restoreRuns({ experiment_ids: [id], run_view_type: "DELETED_ONLY" }).finally(again);
      notify(`Restored ${counted(runs.length, "run")}.`, async () => {
        if (runs.length > 0) await deleteRuns({ run_ids: runs });
        again();
      });
    });
  return (
    <section class="section" aria-label="Runs in the trash">
      <header class="section-head">
        <h2>Runs</h2>
        <a class="button" href={address({ screen: "runs", experiments: [] }, { flat: "1", state: "deleted" })}>
          Show {counted(total, "run")}
        </a>
      </header>
      <Table name="Deleted runs by experiment" heads={["Experiment", "Runs in the trash"]} {...(mayChange.value && { act: "Restore" })} lines={experiments}>
        {({ experiment_id: id, name, deleted_runs: runs }) => (
          <tr key={id}>
            <th scope="row">
              <Name text={name} />
            </th>
            <td>
              <a href={address({ screen: "runs", experiments: [id] }, { state: "deleted" })} aria-label={`${counted(runs, "run")} of ${name} in the trash`}>
                {whole(runs)}
              </a>
            </td>
            <Changing>
              <td>
                <button type="button" aria-label={`Restore all runs of ${name}`} onClick={() => void restore(id)}>
                  Restore all
                </button>
              </td>
            </Changing>
          </tr>
        )}
      </Table>
    </section>
  );
}
