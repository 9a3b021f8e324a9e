// Why a table of runs is empty, and the one next step.

import type { JSX } from "preact";
import { listKeys, listRows } from "../../api/runs.ts";
import type { RunSearch, View } from "../../api/runs.ts";
import { namesIn } from "../../lib/filter.ts";
import { counted } from "../../lib/format.ts";
import { CopyButton } from "../../parts/basics.tsx";
import { Empty, NothingFound, Skeleton } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { viewOf } from "../../state/session.ts";

export interface NoRunsProps {
  search: RunSearch;
  filtered: boolean;
  /** Whether it is the page of what runs now. */
  live: boolean;
  trash: boolean;
  /** The name of the experiment where there is one. */
  experiment: string | undefined;
  /** Shows all runs. */
  clear: () => void;
  showTrash: (trash: boolean) => void;
  /** Rises when something may have changed. */
  version: number;
}

export function NoRuns({ search, filtered, live, trash, experiment, clear, showTrash, version }: NoRunsProps): JSX.Element {
  const key = `${search.experiment_ids.join()} ${search.filter ?? ""} ${version}`;
  const asked = useAsk(key, async (signal) => {
    const count = async (view: View): Promise<number> =>
      (await listRows({ experiment_ids: search.experiment_ids, run_view_type: view, columns: [], limit: 0 }, signal)).total;
    const [active, deleted, unknown] = await Promise.all([count("ACTIVE_ONLY"), count("DELETED_ONLY"), unknownNames(search, signal)]);
    return { active, deleted, unknown };
  });
  if (asked.answer === undefined) return asked.failure ? <Empty title="No runs here." /> : <Skeleton name="the runs" lines={3} />;
  const { active, deleted, unknown } = asked.answer;
  const hidden = trash ? deleted : active;
  if (filtered && hidden > 0) {
    return (
      <Empty title={live ? "Nothing is running." : "No run matches."}>
        <p>{live ? `What begins appears here by itself. There ${hidden === 1 ? "is" : "are"} ${counted(hidden, "run")} that ${hidden === 1 ? "has" : "have"} ended.` : `The filter hides ${counted(hidden, "run")}.`}</p>
        {unknown.map(({ kind, key }) => (
          <p key={`${kind} ${key}`}>
            No run here has a {kind} <code>{key}</code>.
          </p>
        ))}
        <button type="button" onClick={clear}>
          {live ? "All runs" : "Clear the filter"}
        </button>
      </Empty>
    );
  }
  if (trash) {
    return (
      <Empty title="The trash is empty.">
        <button type="button" onClick={() => showTrash(false)}>
          Show the runs
        </button>
      </Empty>
    );
  }
  if (deleted > 0) {
    return (
      <Empty title={deleted === 1 ? "The only run is in the trash." : `All ${counted(deleted, "run")} are in the trash.`}>
        <button type="button" onClick={() => showTrash(true)}>
          Show the trash
        </button>
      </Empty>
    );
  }
  if (viewOf.value !== null) return <NothingFound source={viewOf.value} />;
  const lines = ["import mlflow", `mlflow.set_tracking_uri(${JSON.stringify(here())})`, ...(experiment === undefined ? [] : [`mlflow.set_experiment(${JSON.stringify(experiment)})`]), "with mlflow.start_run():", '    mlflow.log_metric("loss", 0.5, step=0)'];
  return (
    <Empty title="There are no runs yet.">
      <p>This logs one:</p>
      <div class="sample">
        <pre>
          <code>{lines.join("\n")}</code>
        </pre>
        <CopyButton text={lines.join("\n")} name="Copy the lines" />
      </div>
    </Empty>
  );
}

/** The names that the filter asks for and no run of these experiments has: perhaps they are misspelt. */
async function unknownNames({ experiment_ids: experiments, filter = "" }: RunSearch, signal: AbortSignal): Promise<ReturnType<typeof namesIn>> {
  const asked = namesIn(filter);
  const known = await Promise.all(asked.map(({ kind, key }) => listKeys(kind, experiments, key, 1, signal)));
  // What begins like this is told in order, so that the name itself would be the first.
  return asked.filter(({ key }, place) => known[place]?.[0]?.key !== key);
}

/** The address of this server as clients need it. */
function here(): string {
  return new URL(".", location.href).href.replace(/\/$/, "");
}
