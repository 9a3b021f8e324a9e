import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { deleteView, listViews, saveView } from "../api/views.ts";
import type { View } from "../api/views.ts";
import { useAsk } from "../state/ask.ts";
import { address, formatPlace } from "../state/place.ts";
import { place } from "../state/router.ts";
import { hasViews, session } from "../state/session.ts";
import { opened, shownView } from "../state/shown_view.ts";
import { Name, Time } from "./basics.tsx";
import { CheckedForm } from "./checked_form.tsx";
import { Dialog } from "./dialog.tsx";
import { MenuItem } from "./menu.tsx";
import { attempt, notify } from "./notice.tsx";
import { copied, copyLink } from "./share.tsx";
import { Answered, Empty } from "./states.tsx";
import { SureButton } from "./sure_button.tsx";

interface Props {
  experiment?: string | undefined;
  close: () => void;
}

/** Makes a short link of what is shown, and copies it. */
export async function copyShort(): Promise<void> {
  const { key } = await saveView({ address: formatPlace(place.value) });
  await copied("short link", new URL(address({ screen: "view", key }), location.href).href);
}

/** The saved views of all experiments. */
export const allViews = (signal: AbortSignal): Promise<readonly View[]> => listViews(undefined, signal);

/** What the menu "Share" holds. */
export function ShareItems({ experiment, close }: Props): JSX.Element {
  const [isSaving, save] = useState(false);
  if (isSaving) return <SaveDialog experiment={experiment} close={close} />;
  return (
    <>
      <MenuItem close={close} act={() => void copyLink()}>
        Copy link
      </MenuItem>
      {hasViews.value && (
        <>
          <MenuItem close={close} act={() => void attempt("The short link", copyShort)}>
            Copy short link
          </MenuItem>
          <button type="button" class="menu-item" onClick={() => save(true)}>
            Save as view…
          </button>
        </>
      )}
    </>
  );
}

/** Asks for the name under which what is shown is kept. */
function SaveDialog({ experiment, close }: Props): JSX.Element {
  const [name, setName] = useState(shownView.value ?? "");
  const send = async (): Promise<void> => {
    const view = await saveView({ address: formatPlace(place.value), name: name.trim(), ...(experiment !== undefined && { experiment_id: experiment }) });
    opened.value = { name: name.trim(), address: view.address };
    close();
    notify(`Saved as “${name.trim()}”.`);
  };
  const whom = experiment === undefined ? "Everybody who may use this server" : "Everybody who sees the experiment";
  return (
    <Dialog title="Save as view" close={close}>
      <p>What this screen shows is kept as it is: filter, order, columns, selection. {whom} finds it under its name.</p>
      <CheckedForm verb="Save" fields={["name"]} send={send} cancel={close}>
        {(field) =>
          field({
            name: "name",
            label: "Name",
            hint: "A view of the same name gets what is shown now",
            value: name,
            set: setName,
            typed: { required: true, maxLength: 256, autoFocus: true },
          })
        }
      </CheckedForm>
    </Dialog>
  );
}

/** The saved views of an experiment, or all, with a way to be rid of them for whoever made them and for administrators. */
export function SavedViews({ experiment, close }: Props): JSX.Element {
  const asked = useAsk(`views ${experiment ?? ""}`, (signal) => listViews(experiment, signal));
  return (
    <div class="views">
      <Answered asked={asked} what="The saved views" lines={2}>
        {(views) =>
          views.length === 0 ? (
            <Empty title="No view has been saved here.">
              <p>Share › Save as view keeps what is shown under a name.</p>
            </Empty>
          ) : (
            <ul aria-label="Saved views">
              {views.map((view) => (
                <li key={view.key} aria-current={view.name === shownView.value ? "true" : undefined}>
                  <a class="button menu-item" href={address({ screen: "view", key: view.key })} onClick={close}>
                    <Name text={view.name ?? ""} />
                  </a>
                  <span class="hint">
                    {view.made_by !== null && <Name text={view.made_by} />}
                    <Time ms={view.created} />
                  </span>
                  {mayDelete(view) && (
                    <SureButton verb="Delete" doing="Deleting the view" name={view.name ?? ""} act={() => remove(view).finally(asked.again)} />
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </div>
  );
}

/** Deletes a view. Its line goes with it, so the focus goes to the next one, and after the last to the list's box. */
async function remove({ key }: View): Promise<void> {
  const line = document.activeElement?.closest("li");
  await deleteView(key);
  const other = line?.nextElementSibling ?? line?.previousElementSibling;
  (other?.querySelector("a") ?? line?.closest<HTMLElement>("[tabindex]"))?.focus();
}

/** Managers of an experiment may too, but who they are is not told here. */
function mayDelete({ made_by: maker }: View): boolean {
  const { accounts, user } = session.value ?? {};
  return accounts === false || (user != null && (user.admin || user.name === maker));
}
