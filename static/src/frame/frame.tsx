import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { copyText } from "../lib/clipboard.ts";
import { notify } from "../parts/notice.tsx";
import { basket } from "../state/basket.ts";
import type { Route } from "../state/place.ts";
import { go } from "../state/router.ts";
import { session } from "../state/session.ts";
import { THEMES, theme } from "../state/theme.ts";
import { useActions } from "./actions.ts";
import { Bar } from "./bar.tsx";
import { KeyList } from "./key_list.tsx";
import { useKeys } from "./keys.ts";
import { OfflineBar } from "./live_sign.tsx";
import { Palette, openPalette } from "./palette.tsx";

/** What stands above every screen, and the shortcuts that work on all of them. */
export function Frame(): JSX.Element {
  const [hasKeyList, showKeyList] = useState(false);
  const showKeys = (): void => showKeyList(true);
  const leadTo = (name: string, route: Route, state = {}): { name: string; run: () => void } => ({ name, run: () => go(route, state) });
  const runs = basket.value;
  useKeys({
    "/": { name: "Search", run: openPalette },
    "Ctrl-k": { name: "Search, also while typing", run: openPalette },
    "?": { name: "List of shortcuts", run: showKeys },
    "g e": leadTo("Go to the experiments", { screen: "experiments" }),
    "g r": leadTo("Go to the runs of all experiments", { screen: "runs", experiments: [] }),
    "g l": leadTo("Go to the runs that are running", { screen: "runs", experiments: [] }, { q: "attributes.status = 'RUNNING'" }),
    ...(runs.length > 0 && { c: leadTo("Compare the runs of the basket", { screen: "compare", runs }) }),
    y: { name: "Copy the link of this page", run: () => void copyLink() },
    t: { name: "Change the theme", run: nextTheme },
  });
  useActions("Pages", [
    leadTo("Experiments in the trash", { screen: "experiments" }, { state: "deleted" }),
    ...(session.value?.user ? [{ name: "Tokens and password", run: () => location.assign("tokens") }] : []),
  ]);
  return (
    <>
      <Bar showKeys={showKeys} />
      <OfflineBar />
      <Palette />
      {hasKeyList && <KeyList close={() => showKeyList(false)} />}
    </>
  );
}

async function copyLink(): Promise<void> {
  notify((await copyText(location.href)) ? "Copied the link of this page." : "The browser does not let the page copy.");
}

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  notify(`Theme: ${theme.value}.`);
}
