import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Run as RunAnswer } from "../../api/runs.ts";
import { restoreRuns } from "../../api/runs.ts";
import { whole } from "../../lib/format.ts";
import { Changing } from "../../parts/changing.tsx";
import { Crumbs } from "../../parts/crumbs.tsx";
import type { Crumb } from "../../parts/crumbs.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { attempt } from "../../parts/notice.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { shareExperiments } from "../../state/experiments.ts";
import { address, runRoute } from "../../state/place.ts";
import type { Route, RunTab } from "../../state/place.ts";
import { mayChange } from "../../state/session.ts";
import { useTitle } from "../../state/title.ts";
import { useRun } from "./data.ts";
import type { RunData } from "./data.ts";
import { Head } from "./head.tsx";
import { Overview } from "./overview.tsx";

const Params = lazy("The params", async () => (await import("./params.tsx")).Params);
const Artifacts = lazy("The artifacts", async () => (await import("./artifacts/artifacts.tsx")).Artifacts);
const LineageTab = lazy("The lineage", async () => (await import("./lineage.tsx")).LineageTab);
const MetricsTab = lazy("The metrics", async () => (await import("./metrics.tsx")).MetricsTab);
const SystemMetricsTab = lazy("The system metrics", async () => (await import("./system_metrics.tsx")).SystemMetricsTab);

type RunPlace = Route & { screen: "run" };

/** One run (design: 6.3). */
export function Run({ route }: { route: RunPlace }): JSX.Element {
  const data = useRun(route.experiment, route.run);
  const experiments = useAsk("experiments", shareExperiments);
  const { run } = data;
  const name = run.answer?.info.run_name;
  useTitle(name ?? (run.answer && route.run));
  const home = run.answer?.info.experiment_id ?? route.experiment;
  const experiment = experiments.answer?.find((found) => found.experiment_id === home);
  const parent = data.family?.parent?.node;
  const crumbs = [
    { text: "Experiments", href: address({ screen: "experiments" }) },
    { text: experiment?.name ?? `Experiment ${home}`, href: address({ screen: "runs", experiments: [home] }) },
    ...(parent ? [{ text: parent.run_name, href: address(runRoute(parent.experiment_id, parent.run_id)) }] : []),
    { text: name ?? route.run },
  ];
  if (run.failure?.status === 404) return <NoSuchRun crumbs={crumbs} id={route.run} />;
  return (
    <div class="screen run">
      <Crumbs items={crumbs} />
      <Answered asked={run} what="The run" lines={8}>
        {(found) => (
          <>
            {found.info.lifecycle_stage === "deleted" && <Deleted id={route.run} restored={data.again} />}
            <Head run={found} data={data} />
            <Tabs route={route} run={found} />
            <Tab route={route} run={found} data={data} />
          </>
        )}
      </Answered>
    </div>
  );
}

function Tab({ route, run, data }: { route: RunPlace; run: RunAnswer; data: RunData }): JSX.Element {
  switch (route.tab) {
    case "overview":
      return <Overview run={run} data={data} />;
    case "model-metrics":
      return <MetricsTab run={run} />;
    case "system-metrics":
      return <SystemMetricsTab run={run} />;
    case "params":
      return <Params run={run} family={data.family} />;
    case "artifacts":
      return <Artifacts run={run} path={route.path} />;
    case "lineage":
      return <LineageTab asked={data.lineage} />;
  }
}

const TAB_NAMES: Readonly<Record<RunTab, string>> = {
  overview: "Overview",
  "model-metrics": "Metrics",
  "system-metrics": "System metrics",
  params: "Params",
  artifacts: "Artifacts",
  lineage: "Lineage",
};

function Tabs({ route, run }: { route: RunPlace; run: RunAnswer }): JSX.Element {
  const metrics = run.data.metrics ?? [];
  const system = metrics.filter(({ key }) => key.startsWith("system/")).length;
  const counts: Partial<Record<RunTab, number>> = {
    "model-metrics": metrics.length - system,
    "system-metrics": system,
    params: run.data.params?.length ?? 0,
  };
  const bar = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const current = bar.current?.querySelector<HTMLElement>("[aria-current]");
    // Not by scrollIntoView, which would scroll the page as well.
    if (bar.current && current) bar.current.scrollLeft = current.offsetLeft - (bar.current.clientWidth - current.offsetWidth) / 2;
  }, [route.tab]);
  return (
    <nav class="tabs" aria-label="Parts of the run" ref={bar}>
      {(Object.keys(TAB_NAMES) as RunTab[]).map((tab) => (
        <a key={tab} href={address(runRoute(route.experiment, route.run, tab))} aria-current={route.tab === tab ? "page" : undefined}>
          {TAB_NAMES[tab]}
          {counts[tab] !== undefined && <span class="count"> {whole(counts[tab] ?? 0)}</span>}
        </a>
      ))}
    </nav>
  );
}

function Deleted({ id, restored }: { id: string; restored: () => void }): JSX.Element {
  const restore = async (): Promise<void> => {
    await restoreRuns({ run_ids: [id] });
    restored();
  };
  return (
    <div class="banner">
      <p>This run is in the trash: it is left out of tables{mayChange.value && " and cannot be written to"}.</p>
      <Changing>
        <button type="button" onClick={() => void attempt("Restoring", restore)}>
          Restore
        </button>
      </Changing>
    </div>
  );
}

function NoSuchRun({ crumbs, id }: { crumbs: readonly Crumb[]; id: string }): JSX.Element {
  useTitle("No such run");
  return (
    <div class="screen run">
      <Crumbs items={crumbs.slice(0, 2)} />
      <h1 class="unseen">No such run</h1>
      <Empty title="There is no such run.">
        <p>
          <code>{id}</code> is not on this server, was deleted for good, or is not for you to see.
        </p>
        <a class="button" href={address({ screen: "runs", experiments: [] })}>
          All runs
        </a>
      </Empty>
    </div>
  );
}
