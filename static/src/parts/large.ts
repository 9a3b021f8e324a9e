// Large files are not fetched unasked: people come through slow tunnels.

import { signal } from "@preact/signals";

/** A larger file is large, bytes. */
export const LARGE_BYTES = 1_000_000;

/** Whether somebody said that large files are fine; until the page is left. */
export const largeToo = signal(false);

/** Whether a file that is needed whole waits for somebody to ask for it. */
export function isHeldBack(bytes: number | undefined): boolean {
  return (bytes ?? 0) > LARGE_BYTES && !largeToo.value;
}
