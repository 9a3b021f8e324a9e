import type { ComponentChildren, JSX } from "preact";
import { shellWord } from "../../lib/format.ts";
import { CopyButton } from "../../parts/basics.tsx";

const EXAMPLE = `import mlflow
mlflow.set_experiment("my-model")
with mlflow.start_run(run_name="first"):
    mlflow.log_metric("loss", 0.25, step=1)`;

/** The keys of Anemoi's configuration that lead its trainings here. */
function anemoiKeys(tracking: string, hasAccounts: boolean): string {
  return `diagnostics:
  log:
    mlflow:
      enabled: True
      offline: False
      authentication: ${hasAccounts ? "True" : "False"}
      tracking_uri: ${tracking}
      experiment_name: my-model`;
}

/** How to log the first run, with the address of this server as the browser reached it, prefix included. */
export function Connect({ hasAccounts }: { hasAccounts: boolean }): JSX.Element {
  const tracking = new URL(".", location.href).href.replace(/\/$/, "");
  return (
    <ol class="connect">
      <Step title="Point the client here" text={`export MLFLOW_TRACKING_URI=${shellWord(tracking)}`} name="Copy the export line">
        <p class="hint">The address as your browser reaches it. Jobs on other nodes may need this host’s own name in it.</p>
        {hasAccounts && (
          <p class="hint">
            This server has accounts. Set <code>MLFLOW_TRACKING_TOKEN</code> to <a href="tokens">a token of yours</a>, or <code>MLFLOW_TRACKING_USERNAME</code> and{" "}
            <code>MLFLOW_TRACKING_PASSWORD</code> to your name and password.
          </p>
        )}
      </Step>
      <Step title="Log something" text={EXAMPLE} name="Copy the Python example">
        <p class="hint">
          Only looking around? <code>windvane demo</code> fills a fresh data directory with example trainings.
        </p>
      </Step>
      <Step title="Or train with Anemoi" text={anemoiKeys(tracking, hasAccounts)} name="Copy the keys for Anemoi">
        {hasAccounts && (
          <p class="hint">
            Before the first training: <code>anemoi-training mlflow login</code>, which asks for <a href="seed">a login token</a>.
          </p>
        )}
      </Step>
      <Step
        title="Or bring runs that were logged offline"
        text={`windvane sync --source DIR --destination ${shellWord(tracking)}`}
        name="Copy the line for runs that were logged offline"
      >
        <p class="hint">
          DIR is an <code>mlruns</code> directory, such as Anemoi’s <code>save_dir</code>, or has an <code>mlflow.db</code> in it. What is
          here already is not sent again. <code>windvane view DIR</code> shows the runs without sending them.
        </p>
      </Step>
    </ol>
  );
}

function Step({ title, text, name, children }: { title: string; text: string; name: string; children: ComponentChildren }): JSX.Element {
  return (
    <li class="connect-step">
      <div class="connect-head">
        <h2>{title}</h2>
        <CopyButton text={text} name={name} />
      </div>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      {children}
    </li>
  );
}
