// What is asked before runs are changed.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { deleteRuns, renameRun, restoreRuns, tagRuns } from "../../api/runs.ts";
import type { Reach, Selection } from "../../api/runs.ts";
import { counted } from "../../lib/format.ts";
import { Dialog, Field, Form } from "../../parts/dialog.tsx";
import { attempt, notify } from "../../parts/notice.tsx";

/** What is asked about. */
export interface Subject {
  selection: Selection;
  /** How many runs it is. */
  count: number;
  /** Runs nested below those that are selected, as far as that is known; null where it is not. */
  nested: number | null;
  /** Further attempts and copies of the trainings that are selected; null where that is not known. */
  attempts: number | null;
}

export interface DialogProps {
  subject: Subject;
  close: () => void;
  changed: Changed;
}

/** Hears that the runs are others now, and which of them are not in this table any more. */
export type Changed = (gone?: readonly string[]) => void;

/** Moves runs to the trash, with or without what hangs together with them. */
export function DeleteDialog({ subject, close, changed }: DialogProps): JSX.Element {
  const { selection, count, nested, attempts } = subject;
  const [withChildren, setWithChildren] = useState(false);
  // Of a search it is not known what else this reaches, and nobody has seen it.
  const [withAttempts, setWithAttempts] = useState(attempts !== null);
  const send = async (): Promise<void> => {
    const reach: Reach = { ...(withChildren && { with_children: true }), ...(attempts !== 0 && withAttempts && { with_attempts: true }) };
    const deleted = await deleteRuns(selection, reach);
    close();
    changed(deleted);
    notify(`${counted(deleted.length, "run")} moved to the trash`, async () => {
      if (deleted.length > 0) await restoreRuns({ run_ids: deleted });
      changed();
    });
  };
  return (
    <Dialog title={`Move ${counted(count, "run")} to the trash?`} close={close}>
      <Form verb="Move to the trash" danger send={send} cancel={close}>
        {attempts !== 0 && (
          <label class="check">
            <input type="checkbox" checked={withAttempts} onChange={(event) => setWithAttempts(event.currentTarget.checked)} />
            {attempts === null ? "Also the other attempts and copies of these trainings" : `Also ${counted(attempts, "other attempt or copy", "other attempts and copies")} of these trainings`}
          </label>
        )}
        {nested !== 0 && (
          <fieldset class="plain">
            <legend class="unseen">Nested runs</legend>
            <label class="check">
              <input type="radio" name="nested" checked={!withChildren} onChange={() => setWithChildren(false)} />
              Keep nested runs
            </label>
            <label class="check">
              <input type="radio" name="nested" checked={withChildren} onChange={() => setWithChildren(true)} />
              {nested === null ? "Also all nested runs" : `Also ${counted(nested, "nested run")}`}
            </label>
          </fieldset>
        )}
        <p class="hint">Runs in the trash can be restored.</p>
      </Form>
    </Dialog>
  );
}

/** Sets a tag of all of them, or removes it. */
export function TagDialog({ subject, close, changed }: DialogProps): JSX.Element {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const [remove, setRemove] = useState(false);
  const send = async (): Promise<void> => {
    const tagged = await tagRuns(subject.selection, key.trim(), remove ? null : value);
    close();
    changed();
    notify(`${remove ? "Removed" : "Set"} tag ${key.trim()} ${remove ? "from" : "of"} ${counted(tagged.length, "run")}`);
  };
  return (
    <Dialog title={`Tag ${counted(subject.count, "run")}`} close={close}>
      <Form verb={remove ? "Remove the tag" : "Set the tag"} send={send} cancel={close}>
        <Field label="Name">
          <input type="text" required autoFocus value={key} onInput={(event) => setKey(event.currentTarget.value)} />
        </Field>
        <Field label="Value">
          <input type="text" disabled={remove} value={value} onInput={(event) => setValue(event.currentTarget.value)} />
        </Field>
        <label class="check">
          <input type="checkbox" checked={remove} onChange={(event) => setRemove(event.currentTarget.checked)} />
          Remove the tag instead
        </label>
      </Form>
    </Dialog>
  );
}

/** Gives one run another name. */
export function RenameDialog({ run, name, close, changed }: { run: string; name: string; close: () => void; changed: Changed }): JSX.Element {
  const [next, setNext] = useState(name);
  const send = async (): Promise<void> => {
    await renameRun(run, next.trim());
    close();
    changed();
  };
  return (
    <Dialog title="Rename the run" close={close}>
      <Form verb="Rename" send={send} cancel={close}>
        <Field label="Name">
          <input type="text" required autoFocus value={next} onInput={(event) => setNext(event.currentTarget.value)} />
        </Field>
      </Form>
    </Dialog>
  );
}

/** Takes runs out of the trash; for ten seconds that can be undone. */
export function restore(selection: Selection, changed: Changed): Promise<void> {
  return attempt("Restoring", async () => {
    const restored = await restoreRuns(selection);
    changed(restored);
    notify(`${counted(restored.length, "run")} restored`, async () => {
      if (restored.length > 0) await deleteRuns({ run_ids: restored });
      changed();
    });
  });
}
