import { computed, effect, signal } from "@preact/signals";
import { session as askSession } from "../api/people.ts";
import type { Session } from "../api/people.ts";
import { connection } from "./live.ts";
import { isNarrow } from "./narrow.ts";

/** Who is here; undefined until the server said so. */
export const session = signal<Session | undefined>(undefined);

/** The store that this server shows without changing anything; null where it is a server of its own. */
export const viewOf = computed(() => session.value?.view_of ?? null);

/**
 * Whether anything can be changed here. Whatever changes something on the server is offered only where this is true: it decides
 * for all pages. What the browser keeps for itself (columns, the basket, stars) is no such thing. On a telephone one looks.
 */
export const mayChange = computed(() => session.value !== undefined && viewOf.value === null && !isNarrow.value);

/** Whether who is here may keep views and see those that are kept: where there are accounts, only who signed in. */
export const hasViews = computed(() => mayChange.value && (session.value?.accounts === false || session.value?.user != null));

/** Asks the server who this is. Where that cannot be had, the rest of the page says why, and each look at the server asks again. */
export function followSession(): void {
  let isUnderway = false;
  const learn = async (): Promise<void> => {
    if (isUnderway) return;
    isUnderway = true;
    try {
      session.value = await askSession();
    } catch {
      // The next look at the server is soon.
    } finally {
      isUnderway = false;
    }
  };
  effect(() => {
    if (session.value === undefined && connection.value.state !== "lost") void learn();
  });
}
