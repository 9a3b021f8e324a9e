import type { JSX } from "preact";
import { Bar } from "./frame/bar.tsx";
import { Empty } from "./parts/states.tsx";
import { Notices } from "./parts/notice.tsx";
import { Compare } from "./screens/compare/compare.tsx";
import { Experiments } from "./screens/experiments/experiments.tsx";
import { Run } from "./screens/run/run.tsx";
import { Runs } from "./screens/runs/runs.tsx";
import { address } from "./state/place.ts";
import type { Route } from "./state/place.ts";
import { place } from "./state/router.ts";

/** All of the page. */
export function App(): JSX.Element {
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skipToMain(event)}>
        Skip to content
      </a>
      <Bar />
      <main id="main" tabIndex={-1}>
        <Screen route={place.value.route} />
      </main>
      <Notices />
    </>
  );
}

function Screen({ route }: { route: Route }): JSX.Element {
  switch (route.screen) {
    case "experiments":
      return <Experiments />;
    case "runs":
      return <Runs key={route.experiments.join()} experiments={route.experiments} />;
    case "run":
      return <Run key={route.run} route={route} />;
    case "compare":
      return <Compare runs={route.runs} />;
    case "unknown":
      return (
        <Empty title="There is no such page.">
          <p>
            <code>{route.address}</code> means nothing here.
          </p>
          <a class="button" href={address({ screen: "experiments" })}>
            All experiments
          </a>
        </Empty>
      );
  }
}

/** The address is taken by the screens, so the link cannot go to its anchor by itself. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
