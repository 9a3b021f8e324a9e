import type { JSX } from "preact";
import { session as askSession, signOut } from "../api/people.ts";
import type { User } from "../api/people.ts";
import { signInPath } from "../lib/sign_in.ts";
import { Icon } from "../parts/basics.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { attempt } from "../parts/notice.tsx";
import { session } from "../state/session.ts";
import { THEMES, theme } from "../state/theme.ts";
import { ZONES, zone } from "../state/zone.ts";
import { keysOn } from "./keys.ts";

const THEME_WORDS = { system: "System", light: "Light", dark: "Dark" } as const;
const ZONE_WORDS = { browser: "Browser", utc: "UTC" } as const;

/** What a user is called on a page. */
export function called(user: User): string {
  return user.display_name || user.name;
}

/** Who is here, and how they want the pages. `showKeys` opens the list of shortcuts, where there are any. */
export function UserMenu({ showKeys }: { showKeys?: () => void }): JSX.Element {
  const user = session.value?.user ?? null;
  const mayEnter = session.value?.accounts === true && user === null;
  return (
    <>
      {mayEnter && (
        <a class="button" href={signInPath()}>
          Sign in
        </a>
      )}
      <Menu
        quiet
        align="end"
        {...(user === null && { name: "Settings" })}
        label={user === null ? <Icon name="settings" /> : <UserName user={user} />}
      >
        {(close) => (
          <>
            {user !== null && <Account user={user} close={close} />}
            <OneOf title="Theme" names={THEMES} words={THEME_WORDS} chosen={theme.value} choose={(name) => (theme.value = name)} />
            <OneOf title="Times" names={ZONES} words={ZONE_WORDS} chosen={zone.value} choose={(name) => (zone.value = name)} />
            {showKeys !== undefined && <Keys show={showKeys} close={close} />}
          </>
        )}
      </Menu>
    </>
  );
}

function UserName({ user }: { user: User }): JSX.Element {
  return (
    <>
      <span class="user-name">{called(user)}</span>
      <Icon name="down" />
    </>
  );
}

/** Signs out and loads the page anew. */
export async function leave(): Promise<void> {
  await signOut();
  // A proxy or the system may go on to say who this is.
  if ((await askSession()).user !== null) {
    throw new Error("what stands before this server signs you in, and only there you can sign out");
  }
  location.reload();
}

function Account({ user, close }: { user: User; close: () => void }): JSX.Element {
  return (
    <div class="menu-part">
      <p class="menu-words">
        <strong>{called(user)}</strong>
        <span class="hint">
          {user.name}
          {user.admin && " · administrator"}
        </span>
      </p>
      <a class="button menu-item" href="tokens">
        Tokens and password
      </a>
      <MenuItem close={close} act={() => void attempt("Signing out", leave)}>
        Sign out
      </MenuItem>
    </div>
  );
}

function Keys({ show, close }: { show: () => void; close: () => void }): JSX.Element {
  return (
    <div class="menu-part">
      <label class="check menu-words">
        <input type="checkbox" checked={keysOn.value} onChange={(event) => (keysOn.value = event.currentTarget.checked)} />
        Single-key shortcuts
      </label>
      <MenuItem close={close} act={show}>
        List of shortcuts <kbd>?</kbd>
      </MenuItem>
    </div>
  );
}

function OneOf<Name extends string>({
  title,
  names,
  words,
  chosen,
  choose,
}: {
  title: string;
  names: readonly Name[];
  words: Readonly<Record<Name, string>>;
  chosen: Name;
  choose: (name: Name) => void;
}): JSX.Element {
  return (
    <div class="menu-choice" role="group" aria-label={title}>
      <span aria-hidden="true">{title}</span>
      <span class="choice">
        {names.map((name) => (
          <button type="button" key={name} aria-pressed={name === chosen} onClick={() => choose(name)}>
            {words[name]}
          </button>
        ))}
      </span>
    </div>
  );
}
