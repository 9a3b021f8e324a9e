import { signal } from "@preact/signals";
import { session as askSession } from "../api/people.ts";
import type { Session } from "../api/people.ts";

/** Who is here; undefined until the server said so. */
export const session = signal<Session | undefined>(undefined);

/** Asks the server who this is. Where that cannot be had, the rest of the page says why. */
export async function learnSession(): Promise<void> {
  try {
    session.value = await askSession();
  } catch {
    // Asked again with the next look at the server.
  }
}
