import type { JSX } from "preact";
import type { Series } from "../api/series.ts";
import { seriesCsv } from "../api/series.ts";
import { number, whole } from "../lib/format.ts";
import { Name, Time } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { oddCount } from "./kind.ts";
import { labelOf } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";

/** What a chart shows, in words and numbers; every single point is in the CSV. */
export function AsTable({
  name,
  card,
  scene,
  series,
  close,
}: {
  name: string;
  card: Card;
  scene: Scene;
  series: readonly Series[];
  close: () => void;
}): JSX.Element {
  return (
    <Dialog title={name} close={close} wide>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${name} as table`}>
        <table>
          <thead>
            <tr>
              {["Run", "Values", "First step", "Last step", "First", "Last", "Least", "Greatest", "Not finite", "Last logged"].map((title) => (
                <th scope="col" key={title}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {series.map((one) => (
              <tr key={`${one.run_id} ${one.metric} ${one.superseded ?? false}`}>
                <th scope="row">
                  <Name text={labelOf({ run: one.run_id, metric: one.metric }, scene, card)} />
                  {one.superseded && " (replaced by a later attempt)"}
                </th>
                <td>{whole(one.points)}</td>
                <td>{one.min_step !== undefined && whole(one.min_step)}</td>
                <td>{one.max_step !== undefined && whole(one.max_step)}</td>
                <td>{one.first_point && number(one.first_point.value)}</td>
                <td>{one.last_point && number(one.last_point.value)}</td>
                <td>{one.min != null && number(one.min)}</td>
                <td>{one.max != null && number(one.max)}</td>
                <td>{whole(oddCount(one))}</td>
                <td>
                  <Time ms={one.last_point?.timestamp} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        <a href={seriesCsv(scene.asked, card.metrics)} download>
          All points as CSV
        </a>
      </p>
    </Dialog>
  );
}
