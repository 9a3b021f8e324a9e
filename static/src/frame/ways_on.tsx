import type { JSX } from "preact";
import { address } from "../state/place.ts";
import { openPalette } from "./palette.tsx";

/** Where one goes on from an address that leads nowhere. */
export function WaysOn(): JSX.Element {
  return (
    <p class="empty-ways">
      <button type="button" onClick={openPalette}>
        Search
      </button>
      <a class="button" href={address({ screen: "experiments" })}>
        All experiments
      </a>
    </p>
  );
}
