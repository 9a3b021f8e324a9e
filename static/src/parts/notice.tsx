// A line at the foot of the page that says what was done, with a way back.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { sentence } from "../lib/format.ts";
import { asFailure } from "../state/ask.ts";
import { Icon } from "./basics.tsx";

/** How long it stays, ms. */
const STAY_MS = 10_000;

interface Notice {
  text: string;
  undo?: () => Promise<void>;
}

const shown = signal<Notice | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says that something was done (or why not); for ten seconds `undo` takes it back. */
export function notify(text: string, undo?: () => Promise<void>): void {
  clearTimeout(timer);
  shown.value = undo ? { text, undo } : { text };
  timer = setTimeout(() => (shown.value = null), STAY_MS);
}

/** Does something; where that fails, says why. */
export async function attempt(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    notify(sentence(`${what} failed: ${asFailure(cause).message}`));
  }
}

/** Where notices appear. */
export function Notices(): JSX.Element {
  const notice = shown.value;
  const undo = notice?.undo;
  return (
    <div class="notices" role="status">
      {notice && (
        <div class="notice">
          <span>{notice.text}</span>
          {undo && (
            <button
              type="button"
              onClick={() => {
                shown.value = null;
                void attempt("Undo", undo);
              }}
            >
              Undo
            </button>
          )}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => (shown.value = null)}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}
