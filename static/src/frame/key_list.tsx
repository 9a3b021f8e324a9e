import type { JSX } from "preact";
import { keyCaps } from "../lib/shortcuts.ts";
import { Dialog } from "../parts/dialog.tsx";
import { activeKeys, keysOn } from "./keys.ts";

/** The shortcuts that work on the screen as it is. */
export function KeyList({ close }: { close: () => void }): JSX.Element {
  const byName = new Map<string, string[]>();
  for (const [shortcut, { name }] of Object.entries(activeKeys())) byName.set(name, [...(byName.get(name) ?? []), shortcut]);
  return (
    <Dialog title="Keyboard shortcuts" close={close}>
      <dl class="key-list">
        {[...byName].map(([name, shortcuts]) => (
          <div key={name}>
            <dt>
              {shortcuts.map((shortcut) => (
                <KeyCaps key={shortcut} shortcut={shortcut} />
              ))}
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
