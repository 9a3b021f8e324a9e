import { Failure } from "../api/client.ts";
import { signIn } from "../api/people.ts";
import type { Session } from "../api/people.ts";
import { element } from "./dom.ts";
import { field, form, input } from "./form.ts";
import { returnPath } from "./return_to.ts";
import { called, signOutButton } from "./user.ts";

/** The page that asks for name and password. */
export function login(known: Session): readonly HTMLElement[] {
  const onward = returnPath(new URLSearchParams(location.search).get("return_to"));
  const title = element("h1", {}, "Sign in");
  if (!known.accounts) {
    return [title, element("p", {}, "This server has no accounts: everyone who reaches it may use all of it."), go(onward)];
  }
  if (known.user !== null) {
    const who = element("p", {}, "You are signed in as ", element("strong", {}, called(known.user)), ".");
    return [element("h1", {}, "Signed in"), who, element("div", { class: "form-end" }, go(onward), signOutButton())];
  }
  return [title, card(onward)];
}

function card(onward: string): HTMLElement {
  const name = input({ name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false" });
  const password = input({ name: "password", type: "password", autocomplete: "current-password" });
  const made = form("Sign in", [field("Name", name), field("Password", password)], async () => {
    try {
      await signIn(name.value, password.value);
    } catch (cause) {
      password.select();
      if (cause instanceof Failure && cause.status === 401) throw new Error("The name or the password is wrong");
      throw cause;
    }
    // Not to be gone back to.
    location.replace(onward);
    return "Signed in.";
  });
  made.classList.add("card");
  queueMicrotask(() => name.focus());
  return made;
}

function go(onward: string): HTMLElement {
  return element("a", { href: onward, class: "button primary" }, "Continue");
}
