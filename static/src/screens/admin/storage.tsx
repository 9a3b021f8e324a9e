import type { JSX } from "preact";
import { listExperiments } from "../../api/experiments.ts";
import { counted, number, size, whole } from "../../lib/format.ts";
import { Name } from "../../parts/basics.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { isActive } from "../../state/experiments.ts";
import { useChanges } from "../../state/live.ts";
import { address } from "../../state/place.ts";
import { storedLines } from "./stored.ts";
import type { Stored } from "./stored.ts";
import { Table } from "./table.tsx";

/** How much each experiment takes of the disk. */
export function Storage(): JSX.Element {
  const asked = useAsk("storage", (signal) => listExperiments("ALL", signal));
  useChanges([], asked.again);
  return (
    <Answered asked={asked} what="The storage">
      {(all) => {
        const { lines, total, without } = storedLines(all);
        if (lines.length === 0) return <Empty title="No file has been logged yet." />;
        return (
          <>
            <p>
              <strong>{size(total)}</strong> in the files of {counted(lines.length, "experiment")}, the trash included. Params, metrics and
              tags are in the database and not counted here
              {without > 0 && `; ${counted(without, "experiment has", "experiments have")} no file`}.
            </p>
            <StoredTable lines={lines} />
          </>
        );
      }}
    </Answered>
  );
}

function StoredTable({ lines }: { lines: readonly Stored[] }): JSX.Element {
  return (
    <Table name="Size by experiment" heads={["Experiment", "Runs", "Size", "Share"]} lines={lines}>
      {({ experiment, share, bar }) => (
        <tr key={experiment.experiment_id}>
          <th scope="row">
            {isActive(experiment) ? (
              <a href={address({ screen: "runs", experiments: [experiment.experiment_id] })}>
                <Name text={experiment.name} />
              </a>
            ) : (
              <>
                <Name text={experiment.name} /> <span class="hint">in the trash</span>
              </>
            )}
          </th>
          <td>{whole(experiment.runs + experiment.deleted_runs)}</td>
          <td title={`${whole(experiment.artifact_bytes)} bytes`}>{size(experiment.artifact_bytes)}</td>
          <td class="share reached">
            {/* The figure beside it says as much. */}
            <progress value={bar} aria-hidden="true" />{" "}
            {share < 0.001 ? "under 0.1" : number(Math.round(share * 1_000) / 10)} %
          </td>
        </tr>
      )}
    </Table>
  );
}
