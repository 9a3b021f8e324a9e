import type { JSX } from "preact";
import { Icon } from "../parts/basics.tsx";
import { address } from "../state/place.ts";
import { BasketMenu } from "./basket_menu.tsx";
import { Brand } from "./brand.tsx";
import { LiveSign } from "./live_sign.tsx";
import { openPalette } from "./palette.tsx";
import { Switcher } from "./switcher.tsx";
import { UserMenu } from "./user_menu.tsx";
import { ViewSign } from "./view_sign.tsx";

/** The bar at the top of every screen. */
export function Bar({ showKeys }: { showKeys: () => void }): JSX.Element {
  return (
    <header class="bar">
      <Brand href={address({ screen: "experiments" })} />
      <ViewSign />
      <Switcher />
      <button type="button" class="bar-search" aria-keyshortcuts="/ Control+K" onClick={openPalette}>
        <Icon name="search" />
        <span>Search runs, experiments, actions</span>
        <kbd aria-hidden="true">/</kbd>
      </button>
      <div class="bar-end">
        <LiveSign />
        <BasketMenu />
        <UserMenu showKeys={showKeys} />
      </div>
    </header>
  );
}
