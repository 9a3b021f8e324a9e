import { copyButton } from "./copy.ts";
import { element } from "./dom.ts";
import { shellWord } from "./format.ts";

const EXAMPLE = `import mlflow
mlflow.set_experiment("my-model")
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

/** Adds to the first step how a client says who it is, for a server that has accounts. */
export function explainAccounts(firstStep: Element): void {
  const code = (name: string): HTMLElement => element("code", {}, name);
  firstStep.append(
    element(
      "p",
      { class: "hint" },
      "This server has accounts. Set ",
      code("MLFLOW_TRACKING_TOKEN"),
      " to ",
      element("a", { href: "tokens" }, "a token of yours"),
      ", or ",
      code("MLFLOW_TRACKING_USERNAME"),
      " and ",
      code("MLFLOW_TRACKING_PASSWORD"),
      " to your name and password.",
    ),
  );
}
