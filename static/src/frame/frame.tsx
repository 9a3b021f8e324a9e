import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { notify } from "../parts/notice.tsx";
import { copyLink } from "../parts/share.tsx";
import { basket } from "../state/basket.ts";
import { PAGE_NAMES, usefulPages } from "../state/pages.ts";
import { RUNNING, adminPage } from "../state/place.ts";
import type { Route } from "../state/place.ts";
import { go } from "../state/router.ts";
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
    "g l": leadTo("Go to Live: what runs now", { screen: "runs", experiments: [] }, { q: RUNNING }),
    ...(runs.length > 0 && { c: leadTo("Compare the runs of the basket", { screen: "compare", runs }) }),
    y: { name: "Copy the link of this page", run: () => void copyLink() },
    t: { name: "Change the theme", run: nextTheme },
  });
  useActions("Pages", [
    leadTo("Settings", { screen: "settings" }),
    ...usefulPages.value.map((page) => leadTo(PAGE_NAMES[page], adminPage(page))),
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

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  notify(`Theme: ${theme.value}.`);
}
