import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { whole } from "../lib/format.ts";

/** As many characters are shown of a longer text, until somebody wants all. */
const LIMIT = 240;

/** A text of any length that people wrote: of a long one the beginning, and a button for the rest. */
export function LongText({ text, code = false }: { text: string; code?: boolean }): JSX.Element {
  const [all, setAll] = useState(false);
  const shown = all || text.length <= LIMIT ? text : `${text.slice(0, LIMIT)}…`;
  return (
    <span class="any-text">
      {code ? <code>{shown}</code> : <bdi>{shown}</bdi>}
      {text.length > LIMIT && (
        <button type="button" class="quiet more-of" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Less" : `All ${whole(text.length)} characters`}
        </button>
      )}
    </span>
  );
}
