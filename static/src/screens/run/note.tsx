import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { NOTE } from "../../api/experiments.ts";
import { tagRuns } from "../../api/runs.ts";
import type { Run } from "../../api/runs.ts";
import { Icon, Section } from "../../parts/basics.tsx";
import { Field, Form } from "../../parts/dialog.tsx";
import { focused } from "../../parts/focus.ts";
import { Markdown } from "../../parts/markdown.tsx";
import { mayEdit } from "./data.ts";

/** What people say about the run, in Markdown. */
export function Note({ run, changed }: { run: Run; changed: () => void }): JSX.Element | null {
  const note = run.data.tags?.find(({ key }) => key === NOTE)?.value ?? "";
  const [draft, setDraft] = useState<string | null>(null);
  const editable = mayEdit(run);
  const save = async (): Promise<void> => {
    await tagRuns({ run_ids: [run.info.run_id] }, NOTE, draft === "" ? null : draft);
    setDraft(null);
    changed();
  };
  if (note === "" && !editable) return null;
  const edit = editable && draft === null && (
    <button type="button" class="quiet" onClick={() => setDraft(note)}>
      <Icon name={note === "" ? "plus" : "edit"} /> {note === "" ? "Add note" : "Edit"}
    </button>
  );
  return (
    <Section title="Note" aside={edit}>
      {draft === null ? (
        note !== "" && (
          <div class="panel run-note">
            <Markdown text={note} />
          </div>
        )
      ) : (
        <div
          class="panel run-note"
          onKeyDown={(event) => {
            if (event.key === "Escape" && draft === note) setDraft(null);
          }}
        >
          <Form verb="Save" send={save} cancel={() => setDraft(null)}>
            <Field label="Note" hint="Markdown: **bold**, `code`, [link](https://…), - list">
              <textarea rows={8} value={draft} ref={focused} onInput={(event) => setDraft(event.currentTarget.value)} />
            </Field>
          </Form>
        </div>
      )}
    </Section>
  );
}
