import type { JSX } from "preact";
import { useArrival } from "./frame/arrival.ts";
import { Frame } from "./frame/frame.tsx";
import { Boundary } from "./parts/boundary.tsx";
import { lazy } from "./parts/lazy.tsx";
import { Notices } from "./parts/notice.tsx";
import { Experiments } from "./screens/experiments/experiments.tsx";
import { Runs } from "./screens/runs/runs.tsx";
import { Unknown } from "./screens/unknown.tsx";
import type { Route } from "./state/place.ts";
import { place } from "./state/router.ts";

// The first load is for the tables; what one opens from them is fetched then.
const Run = lazy("The run", async () => (await import("./screens/run/run.tsx")).Run);
const Compare = lazy("The comparison", async () => (await import("./screens/compare/compare.tsx")).Compare);
const Admin = lazy("This page", async () => (await import("./more.ts")).Admin);
const Settings = lazy("The settings", async () => (await import("./more.ts")).Settings);
const View = lazy("The view", async () => (await import("./more.ts")).View);

/** All of the page. */
export function App(): JSX.Element {
  const { route } = place.value;
  useArrival(screenName(route));
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skipToMain(event)}>
        Skip to content
      </a>
      <Frame />
      <main id="main" tabIndex={-1}>
        <Boundary key={screenName(route)} what="This screen">
          <Screen route={route} />
        </Boundary>
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
    case "admin":
      return <Admin page={route.page} experiment={route.experiment} />;
    case "settings":
      return <Settings />;
    case "view":
      return <View key={route.key} viewKey={route.key} />;
    case "unknown":
      return <Unknown written={route.address} />;
  }
}

/** What makes a screen another one, and not another state or part of itself. */
function screenName(route: Route): string {
  switch (route.screen) {
    case "runs":
      return `runs ${route.experiments.join()}`;
    case "run":
      return `run ${route.run}`;
    case "admin":
      return `admin ${route.page}`;
    default:
      return route.screen;
  }
}

/** The address is taken by the screens, so the link cannot go to its anchor by itself. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
