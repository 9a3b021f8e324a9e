import type { JSX } from "preact";
import { getRun } from "../../api/runs.ts";
import { Status } from "../../parts/basics.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import type { Route } from "../../state/place.ts";

/** One run (design: 6.3). */
export function Run({ route }: { route: Route & { screen: "run" } }): JSX.Element {
  const asked = useAsk(route.run, (signal) => getRun(route.run, signal));
  return (
    <div class="screen">
      <Answered asked={asked} what="The run">
        {({ info }) => (
          <>
            <h1>{info.run_name}</h1>
            <Status status={info.status} />
          </>
        )}
      </Answered>
    </div>
  );
}
