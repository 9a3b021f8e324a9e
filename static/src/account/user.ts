import { session, signOut } from "../api/people.ts";
import type { Session, User } from "../api/people.ts";
import { byId, element } from "./dom.ts";
import { action } from "./form.ts";

/** What a user is called on a page. */
export function called(user: User): string {
  return user.display_name || user.name;
}

/** Shows in the bar who is signed in, or where to sign in; nothing on a server without accounts. */
export function showUser(known: Session): void {
  const shown = byId("user");
  if (!known.accounts) shown.replaceChildren();
  else shown.replaceChildren(known.user === null ? signInLink("./") : menu(known.user));
}

/** A link to the page that asks for name and password, and leads to `returnTo` afterwards. */
export function signInLink(returnTo: string): HTMLAnchorElement {
  const query = returnTo === "./" ? "" : `?return_to=${encodeURIComponent(returnTo)}`;
  return element("a", { href: `login${query}`, class: "button" }, "Sign in");
}

/** A button that signs out and loads the page anew. */
export function signOutButton(): HTMLElement {
  return action("Sign out", {}, async () => {
    await signOut();
    // A proxy or the system may go on to say who this is.
    if ((await session()).user !== null) throw new Error(VOUCHED);
    location.reload();
  });
}

const VOUCHED = "What stands before this server signs you in, and only there you can sign out";

function menu(user: User): HTMLElement {
  const summary = element("summary", { title: user.name }, element("span", {}, called(user)));
  const items = element("div", { class: "menu-items" }, element("a", { href: "tokens" }, "Tokens"), signOutButton());
  const made = element("details", { class: "menu" }, summary, items);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    made.open = false;
    summary.focus();
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Node && !made.contains(event.target)) made.open = false;
  });
  return made;
}
