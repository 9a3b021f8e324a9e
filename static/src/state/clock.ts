import { signal } from "@preact/signals";

/** Pause between two moments, ms. */
const TICK_MS = 10_000;

/** The present time, epoch milliseconds; what is shown as "5 min ago" follows it. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, TICK_MS);
