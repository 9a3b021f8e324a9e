// The pages of accounts: `login`, `seed` and `tokens`. They are one page, which sees by its own address what it is.

import { session } from "../api/people.ts";
import type { Session } from "../api/people.ts";
import { byId, element } from "./dom.ts";
import { why } from "./form.ts";
import { login } from "./login.ts";
import { seed } from "./seed.ts";
import { followTheme } from "../state/theme.ts";
import { tokensPage } from "./tokens.ts";
import { showUser } from "./user.ts";

const PAGES: Readonly<Record<string, readonly [title: string, show: (known: Session) => readonly HTMLElement[]]>> = {
  login: ["Sign in", login],
  seed: ["Log in for Anemoi", seed],
  tokens: ["Tokens", tokensPage],
};

followTheme();
await open(location.pathname.split("/").pop() ?? "");

async function open(name: string): Promise<void> {
  // Only these addresses have this page; a proxy that renames them gets the one that explains itself.
  const [title, show] = PAGES[name] ?? ["Sign in", login];
  document.title = `${title} · Windvane`;
  const main = byId("main");
  main.dataset["page"] = name;
  try {
    const known = await session();
    if (known.accounts && known.user === null && show !== login) {
      location.replace(`login?return_to=${name}`);
      return;
    }
    if (show !== login || known.user !== null) showUser(known);
    main.replaceChildren(...show(known));
  } catch (cause) {
    const retry = element("button", { type: "button" }, "Retry");
    retry.addEventListener("click", () => void open(name));
    main.replaceChildren(element("div", { class: "failure", role: "alert" }, element("p", {}, why(cause)), retry));
  }
}
