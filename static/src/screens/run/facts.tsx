import type { JSX } from "preact";
import type { Run } from "../../api/runs.ts";
import { facts } from "../../lib/facts.ts";
import { CopyButton, Section } from "../../parts/basics.tsx";
import { LongText } from "../../parts/long_text.tsx";

/** Where the run comes from, as text to be copied. */
export function Facts({ run }: { run: Run }): JSX.Element {
  return (
    <Section title="Facts">
      <dl class="run-facts panel">
        {facts(run).map(({ name, value, href }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {href === undefined ? <LongText text={value} code /> : <a href={href} rel="noreferrer">{value}</a>}
              <CopyButton text={value} name={`Copy: ${name}`} small />
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

/** The datasets that the run says it read, if it says so. */
export function Datasets({ run }: { run: Run }): JSX.Element | null {
  const inputs = run.inputs?.dataset_inputs ?? [];
  if (inputs.length === 0) return null;
  return (
    <Section title="Datasets">
      <ul class="run-tags panel">
        {inputs.map(({ dataset: { name, digest, source_type } }) => (
          <li key={`${name} ${digest}`} class="run-tag">
            <span class="tag-text">
              <bdi class="tag-key">{name}</bdi>
              <span>
                <code>{digest}</code> {source_type !== undefined && <span class="hint">{source_type}</span>}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
