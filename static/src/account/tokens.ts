import { changePassword, createToken, revokeToken, tokens } from "../api/people.ts";
import type { Session, Token } from "../api/people.ts";
import { element } from "./dom.ts";
import type { Child } from "./dom.ts";
import { field, form, input, why } from "./form.ts";
import { fullMoment, moment } from "../lib/format.ts";
import { madeToken } from "./made.ts";

const SCOPES: Readonly<Record<Token["scope"], string>> = {
  read: "Reading",
  write: "Reading and writing",
  full: "Everything you may do",
};

const LIFETIMES: readonly (readonly [days: string, words: string])[] = [
  ["30", "After 30 days"],
  ["90", "After 90 days"],
  ["365", "After a year"],
  ["", "Never"],
];

/** How long a button asks whether it is meant, ms. */
const DOUBT_MS = 5_000;

/** The page of one's own tokens and password. */
export function tokensPage(known: Session): readonly HTMLElement[] {
  if (known.user === null) {
    return [element("h1", {}, "Tokens"), element("p", {}, "This server has no accounts, so clients need no token.")];
  }
  const list = element("div", { class: "panel" });
  const made = element("div", {});
  const refresh = async (): Promise<void> => {
    list.replaceChildren(await tokens().then((all) => table(all, refresh), failure));
  };
  void refresh();
  return [
    element(
      "section",
      {},
      element("h1", {}, "Tokens"),
      element("p", {}, "A client sends a token in place of your name and password: export it as ", code("MLFLOW_TRACKING_TOKEN"), "."),
      list,
    ),
    element("section", {}, element("h2", {}, "Make a token"), tokenForm(made, refresh), made),
    element("section", {}, element("h2", {}, "Change your password"), passwordForm(known.user.name)),
  ];
}

function tokenForm(made: HTMLElement, refresh: () => Promise<void>): HTMLElement {
  const name = input({ name: "token-name", maxlength: "100", autocomplete: "off", placeholder: "nightly training" });
  const scope = select("scope", Object.entries(SCOPES), "full");
  const days = select("ends", LIFETIMES, "90");
  const fields = [field("Name", name), field("For", scope), field("Ends", days)];
  const sent = form("Make a token", fields, async () => {
    const lifetime = days.value === "" ? {} : { expires_days: Number(days.value) };
    const text = await createToken({ name: name.value, kind: "api", scope: scope.value as Token["scope"], ...lifetime });
    made.replaceChildren(madeToken(text, "Export it as ", code("MLFLOW_TRACKING_TOKEN"), " where the client runs."));
    sent.reset();
    await refresh();
    return "";
  });
  sent.classList.add("wide");
  return sent;
}

function passwordForm(user: string): HTMLElement {
  const password = input({ type: "password", autocomplete: "current-password" });
  const wanted = input({ type: "password", autocomplete: "new-password" });
  const again = input({ type: "password", autocomplete: "new-password" });
  // Tells password managers whose password it is.
  const owner = element("input", { type: "hidden", autocomplete: "username", value: user });
  const fields = [owner, field("Present password", password), field("New password", wanted), field("New password again", again)];
  const sent = form("Change", fields, async () => {
    if (wanted.value !== again.value) throw new Error("The new passwords differ");
    await changePassword(password.value, wanted.value);
    sent.reset();
    return "Changed. Other browsers are signed out.";
  });
  sent.classList.add("wide");
  return sent;
}

function table(all: readonly Token[], refresh: () => Promise<void>): HTMLElement {
  if (all.length === 0) {
    return element("div", { class: "empty" }, element("p", { class: "empty-title" }, "You have no token."));
  }
  const now = Date.now();
  const heads = ["Name", "For", "Created", "Last used", "Ends"].map((head) => element("th", { scope: "col" }, head));
  const last = element("th", { scope: "col" }, element("span", { class: "visually-hidden" }, "Revoke"));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      { class: "tokens" },
      element("thead", {}, element("tr", {}, ...heads, last)),
      element("tbody", {}, ...all.map((token) => row(token, now, refresh))),
    ),
  );
}

function row(token: Token, now: number, refresh: () => Promise<void>): HTMLElement {
  const name = token.name || "(no name)";
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, element("span", { class: "name", title: name }, name)),
    cell("For", purpose(token)),
    time("Created", token.created_ms, now, ""),
    time("Last used", token.last_used_ms, now, "never"),
    time("Ends", token.expires_ms, now, "never"),
    element("td", {}, revokeButton(token.id, name, refresh)),
  );
}

function purpose(token: Token): string {
  if (token.kind === "login") return "Login of Anemoi";
  const where = token.experiment_id === undefined ? "" : `, experiment ${token.experiment_id}`;
  return SCOPES[token.scope] + where;
}

function time(label: string, timeMs: number | null, now: number, otherwise: string): HTMLElement {
  if (timeMs === null) return cell(label, otherwise);
  const shown = cell(label, moment(timeMs, now));
  shown.title = fullMoment(timeMs);
  return shown;
}

function cell(label: string, ...children: readonly Child[]): HTMLElement {
  return element("td", { "data-label": label }, ...children);
}

/** Asks back in its own place: a token that was revoked by a slip stops a training. */
function revokeButton(id: number, name: string, refresh: () => Promise<void>): HTMLElement {
  const button = element("button", { type: "button" });
  let meant = false;
  const mean = (really: boolean): void => {
    meant = really;
    button.replaceChildren(really ? "Really revoke?" : "Revoke");
    button.setAttribute("aria-label", really ? `Really revoke ${name}?` : `Revoke ${name}`);
  };
  mean(false);
  button.addEventListener("click", async () => {
    if (!meant) {
      mean(true);
      setTimeout(mean, DOUBT_MS, false);
      return;
    }
    button.disabled = true;
    try {
      await revokeToken(id);
      await refresh();
    } catch (cause) {
      button.replaceWith(failure(cause));
    }
  });
  return button;
}

function select(name: string, options: readonly (readonly [string, string])[], chosen: string): HTMLSelectElement {
  const made = element("select", { name }, ...options.map(([value, words]) => element("option", { value }, words)));
  made.value = chosen;
  // What a reset goes back to.
  made.selectedOptions[0]?.setAttribute("selected", "");
  return made;
}

function failure(cause: unknown): HTMLElement {
  return element("p", { class: "failure", role: "alert" }, why(cause));
}

function code(text: string): HTMLElement {
  return element("code", {}, text);
}
