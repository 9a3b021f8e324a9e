import { copyButton } from "./copy.ts";
import { element } from "./dom.ts";
import type { Child } from "./dom.ts";

/** A token that was made just now, in one line to be copied, and what to do with it. */
export function madeToken(text: string, ...use: readonly Child[]): HTMLElement {
  const code = element("code", {}, text);
  return element(
    "section",
    { class: "made", "aria-label": "The new token" },
    element("div", { class: "made-line" }, element("pre", { tabindex: "0" }, code), copyButton("Copy the token", code)),
    element("p", {}, ...use),
    element("p", { class: "hint" }, "It is shown this once. Whoever has it can act as you, so keep it as you keep a password."),
  );
}
