import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { findView } from "../../api/views.ts";
import { WaysOn } from "../../frame/ways_on.tsx";
import { Empty, Skeleton, Trouble } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { formatPlace, parsePlace } from "../../state/place.ts";
import { land } from "../../state/router.ts";
import { opened } from "../../state/shown_view.ts";
import { useTitle } from "../../state/title.ts";

/** A saved view or a short link: leads to the address that it stands for, which takes its place in the history. */
export function View({ viewKey }: { viewKey: string }): JSX.Element {
  const { answer, failure, again } = useAsk(viewKey, (signal) => findView(viewKey, signal));
  const place = answer && parsePlace(answer.address);
  // One view may lead to another, and so in a circle.
  const leads = place !== undefined && place.route.screen !== "view" && place.route.screen !== "unknown";
  useTitle(failure || (place && !leads) ? "No such view" : "View");
  useEffect(() => {
    if (answer === undefined || place === undefined || !leads) return;
    opened.value = answer.name === null ? null : { name: answer.name, address: formatPlace(place) };
    land(place);
  }, [answer]);
  if (failure && failure.status !== 404 && failure.status !== 400) return <Trouble what="The view" failure={failure} retry={again} />;
  if (failure === undefined && (answer === undefined || leads)) return <Skeleton name="the view" />;
  return (
    <div class="screen">
      <h1 class="unseen">No such view</h1>
      <Empty title="There is no such view.">
        <p>
          <code>{viewKey}</code> was deleted, leads nowhere, or is not for you to see.
        </p>
        <WaysOn />
      </Empty>
    </div>
  );
}
