import type { JSX } from "preact";
import { session as askSession, signOut } from "../api/people.ts";
import type { User } from "../api/people.ts";
import { signInPath } from "../lib/sign_in.ts";
import { Icon } from "../parts/basics.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { attempt } from "../parts/notice.tsx";
import { OneOf } from "../parts/one_of.tsx";
import { PAGE_NAMES, usefulPages } from "../state/pages.ts";
import { address, adminPage } from "../state/place.ts";
import type { Route } from "../state/place.ts";
import { session } from "../state/session.ts";
import { THEMES, theme } from "../state/theme.ts";
import { ZONES, zone } from "../state/zone.ts";
import { keysOn } from "./keys.ts";

/** What themes and zones are called. */
export const THEME_WORDS = { system: "System", light: "Light", dark: "Dark" } as const;
export const ZONE_WORDS = { browser: "Browser", utc: "UTC" } as const;

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
            <Links close={close} />
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
      {lead(PAGE_NAMES.tokens, adminPage("tokens"), close)}
      <MenuItem close={close} act={() => void attempt("Signing out", leave)}>
        Sign out
      </MenuItem>
    </div>
  );
}

/** A link that also leads there from the pages of accounts. */
function lead(text: string, route: Route, close: () => void): JSX.Element {
  return (
    <a class="button menu-item" href={`./${address(route)}`} onClick={close}>
      {text}
    </a>
  );
}

function Links({ close }: { close: () => void }): JSX.Element {
  const [first = "server", second] = usefulPages.value;
  return (
    <div class="menu-part">
      {lead("All settings", { screen: "settings" }, close)}
      {lead(second === undefined ? PAGE_NAMES[first] : "Administration", adminPage(first), close)}
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
