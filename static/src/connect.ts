import { element } from "./dom.ts";
import { shellWord } from "./format.ts";

/** How long a copy button says what it did, ms. */
const NOTICE_MS = 2_000;

const EXAMPLE = `import mlflow
with mlflow.start_run(run_name="first"):
    mlflow.log_metric("loss", 0.25, step=1)`;

/** The address of this server as the browser reached it, prefix included: what a client beside it must use. */
export function trackingAddress(): string {
  return new URL(".", location.href).href.replace(/\/$/, "");
}

/** Adds what to copy to the two steps of the page. */
export function fillSteps(steps: readonly Element[]): void {
  const texts = [`export MLFLOW_TRACKING_URI=${shellWord(trackingAddress())}`, EXAMPLE];
  const names = ["Copy the export line", "Copy the Python example"];
  steps.forEach((step, index) => {
    const code = element("code", {}, texts[index] ?? "");
    step.firstElementChild?.append(copyButton(names[index] ?? "Copy", code));
    step.firstElementChild?.after(element("pre", { tabindex: "0" }, code));
  });
}

function copyButton(name: string, source: HTMLElement): HTMLButtonElement {
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
