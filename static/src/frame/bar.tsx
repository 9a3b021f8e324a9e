import type { JSX } from "preact";
import { Icon } from "../parts/basics.tsx";
import { address } from "../state/place.ts";
import { basket } from "../state/basket.ts";
import { connection } from "../state/live.ts";

/** The bar at the top of every screen. */
export function Bar(): JSX.Element {
  return (
    <header class="bar">
      <a class="brand" href={address({ screen: "experiments" })}>
        <span class="brand-sign" aria-hidden="true" />
        Windvane
      </a>
      <a href={address({ screen: "compare", runs: basket.value })} class="button quiet">
        <Icon name="basket" /> {basket.value.length}
      </a>
      <span class="live" data-state={connection.value.state} />
    </header>
  );
}
