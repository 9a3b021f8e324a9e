import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { values } from "../../api/runs.ts";
import type { Run, Summary, Values } from "../../api/runs.ts";
import { number, whole } from "../../lib/format.ts";
import { Name, Section } from "../../parts/basics.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { useAgain } from "./data.ts";
import type { Reference } from "./overview.tsx";

/** As many are shown until somebody wants all. */
const FEW = 12;

/** What the metrics came to: last value, extremes and where these were, and how that is against another run. */
export function LastValues({
  run,
  principal,
  reference,
  round,
}: {
  run: Run;
  principal: readonly string[];
  reference: Reference | null;
  round: number;
}): JSX.Element {
  const id = run.info.run_id;
  const runs = reference ? [id, reference.id] : [id];
  const [all, setAll] = useState(false);
  const asked = useAsk(runs.join(), (signal) => values(runs, {}, signal));
  useAgain(asked, round);
  return (
    <Section title="Last values">
      <Answered asked={asked} what="The values" lines={FEW}>
        {(answer) => {
          const rows = ordered(answer, principal);
          const shown = all ? rows : rows.slice(0, FEW);
          return (
            <div class="panel scroll-x" tabIndex={0} role="region" aria-label="Table of last values">
              <table class="values">
                <thead>
                  <tr>
                    <th scope="col">Metric</th>
                    <th scope="col">Last</th>
                    <th scope="col">at step</th>
                    <th scope="col">Min</th>
                    <th scope="col">at step</th>
                    <th scope="col">Max</th>
                    <th scope="col">at step</th>
                    {reference && (
                      <th scope="col" title={`Last value, against that of ${reference.name}`}>
                        Against {reference.what}
                      </th>
                    )}
                  </tr>
                </thead>
                <tbody>
                  {shown.map(({ metric, cells: [own, other] }) => own && <Row key={metric} metric={metric} own={own} other={other} compared={reference !== null} />)}
                </tbody>
              </table>
              {rows.length > FEW && (
                <button type="button" class="quiet more-of" onClick={() => setAll(!all)}>
                  {all ? "Show fewer" : `Show all ${whole(rows.length)}`}
                </button>
              )}
            </div>
          );
        }}
      </Answered>
    </Section>
  );
}

function Row({ metric, own, other, compared }: { metric: string; own: Summary; other: Summary | null | undefined; compared: boolean }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <Name text={metric} tail={12} />
      </th>
      <Figure value={own.last} />
      <Step value={own.last_step} />
      <Figure value={own.min} />
      <Step value={own.min_step} />
      <Figure value={own.max} />
      <Step value={own.max_step} />
      {compared && <td class="figure">{other ? change(own.last, other.last) : ""}</td>}
    </tr>
  );
}

function Figure({ value }: { value: number | string | null }): JSX.Element {
  return <td class="figure" title={value === null ? undefined : String(value)}>{value === null ? "" : number(value)}</td>;
}

function Step({ value }: { value: number | null }): JSX.Element {
  return <td class="figure hint">{value === null ? "" : whole(value)}</td>;
}

/** `−0.012 (−3.1 %)`; nothing to say where one of them is no number. */
function change(own: number | string, other: number | string): string {
  const difference = Number(own) - Number(other);
  if (!Number.isFinite(difference)) return "";
  if (difference === 0) return "same";
  const sign = difference > 0 ? "+" : "";
  const base = Math.abs(Number(other));
  const share = base === 0 ? "" : ` (${sign}${number(Number(((difference / base) * 100).toPrecision(2)))} %)`;
  return `${sign}${number(difference)}${share}`;
}

/** The principal ones first, then by name; those of the machine have their own tab. */
function ordered(answer: Values, principal: readonly string[]): Values["rows"] {
  const rank = (metric: string): number => {
    const place = principal.indexOf(metric);
    return place < 0 ? principal.length : place;
  };
  return answer.rows
    .filter(({ metric, cells }) => !metric.startsWith("system/") && cells[0])
    .sort((one, other) => rank(one.metric) - rank(other.metric) || one.metric.localeCompare(other.metric, "en", { numeric: true }));
}
