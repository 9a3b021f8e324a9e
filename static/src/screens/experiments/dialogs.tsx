// What is asked before an experiment is made or changed.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { createExperiment, describeExperiment, renameExperiment } from "../../api/experiments.ts";
import type { Experiment } from "../../api/experiments.ts";
import { Dialog, Field, Form } from "../../parts/dialog.tsx";
import { Markdown } from "../../parts/markdown.tsx";
import { NoteEditor } from "../../parts/note_editor.tsx";
import { go } from "../../state/router.ts";
import { mayChange } from "../../state/session.ts";
import { noteOf } from "./lines.ts";

/** Makes an experiment and goes there. */
export function CreateDialog({ close }: { close: () => void }): JSX.Element {
  const send = async (name: string): Promise<void> => {
    const id = await createExperiment(name);
    close();
    go({ screen: "runs", experiments: [id] });
  };
  return (
    <Dialog title="New experiment" close={close}>
      <NameForm verb="Create" name="" send={send} cancel={close} />
    </Dialog>
  );
}

export function RenameDialog({ experiment, close, again }: { experiment: Experiment; close: () => void; again: () => void }): JSX.Element {
  const send = async (name: string): Promise<void> => {
    if (name !== experiment.name) await renameExperiment(experiment.experiment_id, name);
    close();
    again();
  };
  return (
    <Dialog title="Rename the experiment" close={close}>
      <NameForm verb="Rename" name={experiment.name} send={send} cancel={close} />
    </Dialog>
  );
}

/** The description: to be changed, or where nothing can be changed to be read. */
export function DescribeDialog({ experiment, close, again }: { experiment: Experiment; close: () => void; again: () => void }): JSX.Element {
  const save = async (text: string): Promise<void> => {
    await describeExperiment(experiment.experiment_id, text);
    close();
    again();
  };
  return (
    <Dialog title={`Description of ${experiment.name}`} close={close} wide>
      {mayChange.value ? <NoteEditor name="Description" text={noteOf(experiment)} save={save} cancel={close} /> : <Markdown text={noteOf(experiment)} />}
    </Dialog>
  );
}

function NameForm({ verb, name, send, cancel }: { verb: string; name: string; send: (name: string) => Promise<void>; cancel: () => void }): JSX.Element {
  const [wanted, want] = useState(name);
  return (
    <Form verb={verb} send={() => send(wanted.trim())} cancel={cancel}>
      <Field label="Name" hint="A slash makes a folder in the tree: aifs/ocean">
        <input required maxLength={500} autocomplete="off" spellcheck={false} value={wanted} onInput={(event) => want(event.currentTarget.value)} />
      </Field>
    </Form>
  );
}
