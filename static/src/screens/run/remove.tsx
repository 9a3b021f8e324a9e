import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { deleteRuns, restoreRuns } from "../../api/runs.ts";
import { counted } from "../../lib/format.ts";
import type { Family } from "../../lib/family.ts";
import { Dialog, Form } from "../../parts/dialog.tsx";
import { notify } from "../../parts/notice.tsx";

/** Asks how much is to go to the trash, where there is a choice. */
export function Remove({
  id,
  name,
  family,
  close,
  changed,
}: {
  id: string;
  name: string;
  family: Family | undefined;
  close: () => void;
  changed: () => void;
}): JSX.Element {
  const children = family?.children ?? 0;
  const attempts = family?.attempt?.of ?? 1;
  const [withChildren, setWithChildren] = useState(children > 0);
  const [withAttempts, setWithAttempts] = useState(false);
  const send = async (): Promise<void> => {
    const gone = await deleteRuns({ run_ids: [id] }, { with_children: withChildren, with_attempts: withAttempts });
    close();
    changed();
    notify(`Moved ${counted(gone.length, "run")} to the trash`, async () => {
      await restoreRuns({ run_ids: gone });
      changed();
    });
  };
  return (
    <Dialog title="Delete run" close={close}>
      <Form verb="Move to trash" danger send={send} cancel={close}>
        <p class="any-text">
          <bdi>{name}</bdi> goes to the trash with its metrics and artifacts, from where it can be restored.
        </p>
        {children > 0 && (
          <label class="check">
            <input type="checkbox" checked={withChildren} onChange={(event) => setWithChildren(event.currentTarget.checked)} />
            Also the {counted(children, "run")} nested in it
          </label>
        )}
        {attempts > 1 && (
          <label class="check">
            <input type="checkbox" checked={withAttempts} onChange={(event) => setWithAttempts(event.currentTarget.checked)} />
            All {attempts} attempts of this training
          </label>
        )}
      </Form>
    </Dialog>
  );
}
