import { computed, signal } from "@preact/signals";
import { formatPlace } from "./place.ts";
import { place } from "./router.ts";

/** The saved view that somebody opened last: its name and its address. */
export const opened = signal<{ name: string; address: string } | null>(null);

/** The name of the saved view that is shown; null once anything of it was changed. */
export const shownView = computed(() => (opened.value !== null && opened.value.address === formatPlace(place.value) ? opened.value.name : null));
