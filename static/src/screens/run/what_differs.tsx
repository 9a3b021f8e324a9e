import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { diff } from "../../api/runs.ts";
import type { Cell, Run } from "../../api/runs.ts";
import { counted, whole } from "../../lib/format.ts";
import { Section } from "../../parts/basics.tsx";
import { LongText } from "../../parts/long_text.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { address } from "../../state/place.ts";
import type { Reference } from "./overview.tsx";

/** As many are shown until somebody wants all. */
const FEW = 20;

/** The params in which the run differs from another one. */
export function WhatDiffers({
  run,
  reference,
  references,
  choose,
}: {
  run: Run;
  reference: Reference;
  references: readonly Reference[];
  choose: (id: string) => void;
}): JSX.Element {
  const id = run.info.run_id;
  const [all, setAll] = useState(false);
  const asked = useAsk([reference.id, id].join(), (signal) => diff([reference.id, id], false, ["param"], signal));
  const aside = (
    <>
      <label class="inline-field">
        <span>from the</span>
        <select value={reference.id} onChange={(event) => choose(event.currentTarget.value)}>
          {references.map(({ id: other, what, name }) => (
            <option key={other} value={other}>
              {what}: {shortened(name)}
            </option>
          ))}
        </select>
      </label>
      <a href={address({ screen: "compare", runs: [reference.id, id] })}>Compare in full</a>
    </>
  );
  return (
    <Section title="Params that differ" aside={aside}>
      <Answered asked={asked} what="The differences" lines={4}>
        {({ rows, differing, totals, truncated }) =>
          rows.length === 0 ? (
            <p class="hint">{totals.param === 0 ? "Neither has params." : `All ${counted(totals.param, "param")} are the same.`}</p>
          ) : (
            <div class="panel">
              <table class="differences">
                <thead>
                  <tr>
                    <th scope="col">Param</th>
                    <th scope="col">{sentence(reference.what)}</th>
                    <th scope="col">This run</th>
                  </tr>
                </thead>
                <tbody>
                  {(all ? rows : rows.slice(0, FEW)).map(({ key, values: [there, here] }) => (
                    <tr key={key}>
                      <th scope="row">{key}</th>
                      <td>
                        <Value of={there} />
                      </td>
                      <td>
                        <Value of={here} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {rows.length > FEW && (
                <button type="button" class="quiet more-of" onClick={() => setAll(!all)}>
                  {all ? "Show fewer" : `Show all ${whole(differing.param)}`}
                </button>
              )}
              {truncated && all && <p class="hint">These are the first {whole(rows.length)}.</p>}
            </div>
          )
        }
      </Answered>
    </Section>
  );
}

function Value({ of }: { of: Cell | undefined }): JSX.Element {
  return of === null || of === undefined ? <span class="hint">not set</span> : <LongText text={String(of)} />;
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The text of an option cannot give way in its middle. */
function shortened(name: string): string {
  const characters = [...name];
  return characters.length > 60 ? `${characters.slice(0, 59).join("")}…` : name;
}
