import type { JSX } from "preact";
import { listExperiments } from "../../api/experiments.ts";
import { Name, Time } from "../../parts/basics.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { useChanges } from "../../state/live.ts";
import { address } from "../../state/place.ts";

/** All experiments (design: 6.1). */
export function Experiments(): JSX.Element {
  const asked = useAsk("experiments", (signal) => listExperiments("ACTIVE_ONLY", signal));
  useChanges([], () => asked.again());
  return (
    <div class="screen">
      <h1>Experiments</h1>
      <Answered asked={asked} what="The experiments">
        {(experiments) => (
          <table>
            <tbody>
              {experiments.map((experiment) => (
                <tr key={experiment.experiment_id}>
                  <th scope="row">
                    <a href={address({ screen: "runs", experiments: [experiment.experiment_id] })}>
                      <Name text={experiment.name} />
                    </a>
                  </th>
                  <td>{experiment.runs}</td>
                  <td>
                    <Time ms={experiment.last_start_time} />
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
