import { element } from "./dom.ts";

/** A control with its label above it. */
export function field(label: string, control: HTMLInputElement | HTMLSelectElement): HTMLElement {
  return element("label", { class: "field" }, element("span", {}, label), control);
}

/** An input that must be filled in. */
export function input(attributes: Readonly<Record<string, string>>): HTMLInputElement {
  return element("input", { required: "", ...attributes });
}

/**
 * A form that says what became of it: the text that `send` returns, or why it failed. While one sending is under way
 * there is no other.
 */
export function form(verb: string, fields: readonly HTMLElement[], send: () => Promise<string>): HTMLFormElement {
  const button = element("button", { type: "submit", class: "primary" }, verb);
  const said = element("p", { class: "said", "aria-live": "assertive" });
  const made = element("form", { class: "form" }, ...fields, element("div", { class: "form-end" }, button, said));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    // The same words again would not be read out again, unless they were gone in between.
    said.textContent = "";
    try {
      said.dataset["kind"] = "done";
      said.textContent = await send();
    } catch (cause) {
      said.dataset["kind"] = "refused";
      said.textContent = why(cause);
    }
    button.disabled = false;
  });
  return made;
}

/** A button that does something once; it shows why where that failed. */
export function action(verb: string, attributes: Readonly<Record<string, string>>, run: () => Promise<void>): HTMLElement {
  const button = element("button", { type: "button", ...attributes }, verb);
  const said = element("p", { class: "said", "aria-live": "assertive", "data-kind": "refused" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "";
    await run().catch((cause: unknown) => (said.textContent = why(cause)));
    button.disabled = false;
  });
  return element("div", { class: "form-end" }, button, said);
}

/** Why something failed, as a sentence. */
export function why(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
