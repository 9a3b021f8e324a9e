import { createToken } from "../api/people.ts";
import type { Session } from "../api/people.ts";
import { element } from "./dom.ts";
import { action } from "./form.ts";
import { madeToken } from "./made.ts";

const COMMAND = "anemoi-training mlflow login";

/** The page to which Anemoi's login sends people for a token. */
export function seed(known: Session): readonly HTMLElement[] {
  const title = element("h1", {}, "Log in for Anemoi");
  if (!known.accounts) {
    return [
      title,
      element("p", {}, "This server has no accounts, so any text works as the token. Type one where ", command(), " asks for it."),
    ];
  }
  const box = element("div", { class: "form" });
  box.append(
    element("p", {}, command(), " asks for a token. Make one here and paste it there."),
    action("Make a login token", { class: "primary" }, async () => {
      const text = await createToken({ name: COMMAND, kind: "login" });
      box.replaceChildren(
        madeToken(
          text,
          "Paste it where ",
          command(),
          " asks for it. It ends when it has not been used for 31 days, or when you revoke it under ",
          element("a", { href: "tokens" }, "Tokens"),
          ".",
        ),
      );
    }),
  );
  return [title, box];
}

function command(): HTMLElement {
  return element("code", {}, COMMAND);
}
