import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Form } from "./dialog.tsx";
import { Markdown } from "./markdown.tsx";

/** A note as it is written and, beside it, as it will be read. `name` says what of. */
export function NoteEditor({
  name,
  text,
  save,
  cancel,
}: {
  name: string;
  text: string;
  save: (text: string) => Promise<void>;
  cancel: () => void;
}): JSX.Element {
  const [written, write] = useState(text);
  return (
    <Form verb="Save" send={() => save(written)} cancel={cancel}>
      <div class="note-editor">
        <label class="field">
          <span>Markdown</span>
          <textarea aria-label={`${name}, in Markdown`} rows={14} value={written} onInput={(event) => write(event.currentTarget.value)} />
        </label>
        <section class="field" aria-label="Preview">
          <span aria-hidden="true">Preview</span>
          <div class="note-preview">{written.trim() === "" ? <p class="hint">Nothing yet.</p> : <Markdown text={written} />}</div>
        </section>
      </div>
    </Form>
  );
}
