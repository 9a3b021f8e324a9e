import type { JSX } from "preact";
import { listExperiments } from "../../api/experiments.ts";
import type { Experiment } from "../../api/experiments.ts";
import { counted, size, whole } from "../../lib/format.ts";
import { firstLine } from "../../lib/note.ts";
import { Name, Time } from "../../parts/basics.tsx";
import { Crumbs } from "../../parts/crumbs.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { useChanges } from "../../state/live.ts";
import { address } from "../../state/place.ts";
import { place } from "../../state/router.ts";
import { takeFromTrash } from "./acts.ts";
import { FilterBox } from "./filter_box.tsx";
import { matching, noteOf } from "./lines.ts";

/** The experiments that were deleted; they are kept until an administrator purges them. */
export function Trash(): JSX.Element {
  const asked = useAsk("deleted experiments", (signal) => listExperiments("DELETED_ONLY", signal));
  useChanges([], asked.again);
  const found = matching(asked.answer ?? [], place.value.state.q ?? "");
  const home = address({ screen: "experiments" });
  return (
    <div class="screen">
      <Crumbs items={[{ text: "Experiments", href: home }, { text: "Trash" }]} />
      <header class="screen-head">
        <h1>Trash</h1>
        <span class="hint">{asked.answer !== undefined && counted(asked.answer.length, "experiment")}</span>
        <div class="screen-tools">
          <FilterBox />
        </div>
      </header>
      <Answered asked={asked} what="The trash">
        {(deleted) =>
          found.length > 0 ? (
            <TrashTable experiments={found} again={asked.again} />
          ) : (
            <Empty title={deleted.length === 0 ? "The trash is empty." : `No experiment fits the filter; it hides ${whole(deleted.length)}.`}>
              <a class="button" href={home}>
                All experiments
              </a>
            </Empty>
          )
        }
      </Answered>
    </div>
  );
}

function TrashTable({ experiments, again }: { experiments: readonly Experiment[]; again: () => void }): JSX.Element {
  return (
    <div class="panel experiments">
      <table>
        <thead>
          <tr>
            <th scope="col" class="col-name">Name</th>
            <th scope="col" class="figure col-runs">Runs</th>
            <th scope="col" class="figure col-size">Size</th>
            <th scope="col" class="col-activity">Deleted</th>
            <th scope="col" class="col-note">Description</th>
            <th scope="col" class="col-act">
              <span class="unseen">Restore</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {experiments.map((experiment) => (
            <tr key={experiment.experiment_id}>
              <th scope="row" class="col-name"><Name text={experiment.name} /></th>
              <td class="figure col-runs">{whole(experiment.runs + experiment.deleted_runs)}</td>
              <td class="figure col-size">{size(experiment.artifact_bytes)}</td>
              <td class="col-activity"><Time ms={experiment.last_update_time} /></td>
              <td class="col-note"><span class="one-line">{firstLine(noteOf(experiment))}</span></td>
              <td class="col-act">
                <button type="button" aria-label={`Restore ${experiment.name}`} onClick={() => void takeFromTrash(experiment, again)}>
                  Restore
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
