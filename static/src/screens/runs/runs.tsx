import type { JSX } from "preact";
import { listRows } from "../../api/runs.ts";
import { Name, Status } from "../../parts/basics.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { address, runRoute } from "../../state/place.ts";

/** The runs of some experiments, or of all (design: 6.2). */
export function Runs({ experiments }: { experiments: readonly string[] }): JSX.Element {
  const columns = ["attribute.run_name", "attribute.status"];
  const asked = useAsk(experiments.join(), (signal) =>
    listRows({ experiment_ids: experiments, columns, limit: 50, tree: true }, signal),
  );
  return (
    <div class="screen">
      <h1>Runs</h1>
      <Answered asked={asked} what="The runs">
        {(found) => (
          <table>
            <tbody>
              {found.rows.map(([run, experiment, , name, status]) => (
                <tr key={run}>
                  <th scope="row">
                    <a href={address(runRoute(String(experiment), String(run)))}>
                      <Name text={String(name ?? run)} />
                    </a>
                  </th>
                  <td>
                    <Status status={String(status)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answered>
    </div>
  );
}
