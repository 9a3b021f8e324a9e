import type { JSX } from "preact";
import { keyCaps } from "../lib/shortcuts.ts";
import { Dialog } from "../parts/dialog.tsx";
import { activeKeys, keysOn } from "./keys.ts";

/** The shortcuts that work on the screen as it is. */
export function KeyList({ close }: { close: () => void }): JSX.Element {
  return (
    <Dialog title="Keyboard shortcuts" close={close}>
      <dl class="key-list">
        {Object.entries(activeKeys()).map(([shortcut, { name }]) => (
          <div key={shortcut}>
            <dt>
              <KeyCaps shortcut={shortcut} />
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={keysOn.value} onChange={(event) => (keysOn.value = event.currentTarget.checked)} />
        Single-key shortcuts
      </label>
    </Dialog>
  );
}

/** A shortcut, key by key. */
export function KeyCaps({ shortcut }: { shortcut: string }): JSX.Element {
  return (
    <span class="key-caps">
      {keyCaps(shortcut).map((cap, index) => (
        <kbd key={index}>{cap}</kbd>
      ))}
    </span>
  );
}
