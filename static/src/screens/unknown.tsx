import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { openPalette } from "../frame/palette.tsx";
import { address } from "../state/place.ts";
import { useTitle } from "../state/title.ts";

/** Pages of this server that are no screens but have such an address too. */
const PAGES: ReadonlyMap<string, string> = new Map([["/login", "login"], ["/settings", "tokens"]]);

/** What an address shows that means no screen. */
export function Unknown({ written }: { written: string }): JSX.Element | null {
  const page = PAGES.get(written.replace(/\?.*/s, ""));
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
      <p class="empty-ways">
        <button type="button" onClick={openPalette}>
          Search
        </button>
        <a class="button" href={address({ screen: "experiments" })}>
          All experiments
        </a>
      </p>
    </div>
  );
}
