import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { tagRuns } from "../../api/runs.ts";
import type { Run } from "../../api/runs.ts";
import { NOTE } from "../../api/experiments.ts";
import { ownTags, webAddress } from "../../lib/facts.ts";
import { counted } from "../../lib/format.ts";
import { Icon, Section } from "../../parts/basics.tsx";
import { Field, Form } from "../../parts/dialog.tsx";
import { focused } from "../../parts/focus.ts";
import { LongText } from "../../parts/long_text.tsx";
import { attempt, notify } from "../../parts/notice.tsx";
import { mayEdit } from "./data.ts";

interface Tag {
  key: string;
  value: string;
}

/** Which of the tags is a form now: one of them, or the one to come. */
type Edited = { key: string } | "new" | null;

/** The run's tags, which can be added, changed and removed here. Those that MLflow keeps for itself are there to be read. */
export function Tags({ run, changed }: { run: Run; changed: () => void }): JSX.Element {
  const [edited, edit] = useState<Edited>(null);
  const id = run.info.run_id;
  const editable = mayEdit(run);
  const tags = run.data.tags ?? [];
  const own = ownTags(tags);
  const others = tags.filter(({ key }) => key !== NOTE && !own.some((tag) => tag.key === key));

  const save = async (key: string, value: string): Promise<void> => {
    await tagRuns({ run_ids: [id] }, key, value);
    edit(null);
    changed();
  };
  const remove = ({ key, value }: Tag): Promise<void> =>
    attempt("Removing the tag", async () => {
      await tagRuns({ run_ids: [id] }, key, null);
      changed();
      notify(`Removed the tag “${key}”`, () => save(key, value));
    });
  const add = editable && edited !== "new" && (
    <button type="button" class="quiet" onClick={() => edit("new")}>
      <Icon name="plus" /> Add tag
    </button>
  );
  return (
    <Section title="Tags" aside={add}>
      {edited === "new" && <TagForm taken={tags} save={save} cancel={() => edit(null)} />}
      {own.length > 0 && (
        <ul class="run-tags panel">
          {own.map((tag) =>
            edited !== null && edited !== "new" && edited.key === tag.key ? (
              <li key={tag.key}>
                <TagForm tag={tag} taken={[]} save={save} cancel={() => edit(null)} />
              </li>
            ) : (
              <li key={tag.key} class="run-tag">
                <TagText tag={tag} />
                {editable && (
                  <span class="tag-acts">
                    <button type="button" class="quiet" aria-label={`Change the tag ${tag.key}`} title="Change" onClick={() => edit({ key: tag.key })}>
                      <Icon name="edit" />
                    </button>
                    <button type="button" class="quiet" aria-label={`Remove the tag ${tag.key}`} title="Remove" onClick={() => void remove(tag)}>
                      <Icon name="close" />
                    </button>
                  </span>
                )}
              </li>
            ),
          )}
        </ul>
      )}
      {own.length === 0 && edited !== "new" && <p class="hint">{editable ? "No tags yet." : "No tags."}</p>}
      {others.length > 0 && (
        <details class="more-tags">
          <summary>{counted(others.length, "tag")} of MLflow</summary>
          <ul class="run-tags">
            {others.map((tag) => (
              <li key={tag.key} class="run-tag">
                <TagText tag={tag} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </Section>
  );
}

function TagText({ tag: { key, value } }: { tag: Tag }): JSX.Element {
  const href = webAddress(value);
  return (
    <span class="tag-text">
      <bdi class="tag-key">{key}</bdi>
      {href === null ? <LongText text={value} /> : <a href={href} rel="noreferrer"><LongText text={value} /></a>}
    </span>
  );
}

/** Enter sends the form; with Shift it is a new line. */
function sendByEnter(event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }): void {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

function TagForm({
  tag,
  taken,
  save,
  cancel,
}: {
  tag?: Tag;
  taken: readonly Tag[];
  save: (key: string, value: string) => Promise<void>;
  cancel: () => void;
}): JSX.Element {
  const [key, setKey] = useState(tag?.key ?? "");
  const [value, setValue] = useState(tag?.value ?? "");
  const send = (): Promise<void> => {
    if (taken.some((known) => known.key === key)) throw new Error(`There is a tag “${key}” already; change that one.`);
    return save(key, value);
  };
  return (
    <div
      class="panel tag-form"
      onKeyDown={(event) => {
        if (event.key === "Escape") cancel();
      }}
    >
      <Form verb="Save" send={async () => send()} cancel={cancel}>
        {tag === undefined && (
          <Field label="Name">
            <input required value={key} maxLength={250} autocomplete="off" ref={focused} onInput={(event) => setKey(event.currentTarget.value)} />
          </Field>
        )}
        <Field label={tag === undefined ? "Value" : `Value of ${tag.key}`} hint="Enter saves, Shift with Enter begins a line.">
          <textarea rows={2} value={value} onKeyDown={sendByEnter} ref={tag === undefined ? null : focused} onInput={(event) => setValue(event.currentTarget.value)} />
        </Field>
      </Form>
    </div>
  );
}
