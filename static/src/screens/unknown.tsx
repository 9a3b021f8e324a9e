import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { WaysOn } from "../frame/ways_on.tsx";
import { useTitle } from "../state/title.ts";

/** What an address shows that means no screen. */
export function Unknown({ written }: { written: string }): JSX.Element | null {
  // A page of this server that is no screen but has such an address too.
  const page = /^\/login(?:\?|$)/.test(written) ? "login" : undefined;
  useTitle("No such page");
  useEffect(() => {
    if (page !== undefined) location.replace(page);
  }, [page]);
  if (page !== undefined) return null;
  return (
    <div class="empty">
      <h1>There is no such page.</h1>
      <p>
        <code>{written}</code> means nothing here.
      </p>
      <WaysOn />
    </div>
  );
}
