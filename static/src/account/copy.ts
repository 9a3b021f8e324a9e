import { element } from "./dom.ts";

/** How long a copy button says what it did, ms. */
const NOTICE_MS = 2_000;

/** A button that copies the text of an element; `name` says what, to those who do not see it. */
export function copyButton(name: string, source: HTMLElement): HTMLButtonElement {
  const button = element("button", { type: "button", class: "copy", "aria-label": name }, "Copy");
  const notice = element("span", { class: "visually-hidden", role: "status" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  button.addEventListener("click", async () => {
    const done = await copy(source);
    button.firstChild?.replaceWith(done ? "Copied" : "Press Ctrl-C");
    notice.textContent = done ? "Copied" : "Selected; press Ctrl-C to copy";
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.firstChild?.replaceWith("Copy");
      notice.textContent = "";
    }, NOTICE_MS);
  });
  button.append(notice);
  return button;
}

/** Copies the text of an element; false leaves it selected for the user to copy. */
async function copy(source: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    return true;
  } catch {
    // No clipboard outside https and localhost, where a cluster's address usually is. The old way works there.
    getSelection()?.selectAllChildren(source);
    return document.execCommand("copy");
  }
}
