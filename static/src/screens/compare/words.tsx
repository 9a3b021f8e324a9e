import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { wordDiff } from "../../lib/word_diff.ts";
import { CopyButton } from "../../parts/basics.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { isCut } from "./difference_rows.ts";

/** A value of a run, beside that of the base. */
export interface Looked {
  key: string;
  run: string;
  value: string;
  /** Null where it is the base's own, or the base has none. */
  base: { run: string; value: string } | null;
}

/** A long value, with the words marked in which it differs from that of the base. */
export function Words({ looked, close }: { looked: Looked; close: () => void }): JSX.Element {
  const [whole, showWhole] = useState(false);
  const { base, value } = looked;
  return (
    <Dialog title={looked.key} close={close} wide>
      {base !== null && !whole ? (
        <>
          <p class="words-legend">
            <del>only in {base.run}</del> <ins>only in {looked.run}</ins>
          </p>
          <pre class="words">
            {wordDiff(base.value, value).map(({ kind, text }, place) =>
              kind === "same" ? <span key={place}>{text}</span> : kind === "before" ? <del key={place}>{text}</del> : <ins key={place}>{text}</ins>,
            )}
          </pre>
        </>
      ) : (
        <pre class="words">{value}</pre>
      )}
      {(isCut(value) || (base !== null && isCut(base.value))) && <p class="hint">Only the first 2,000 characters are compared.</p>}
      <div class="form-end">
        {base !== null && (
          <button type="button" aria-pressed={whole} onClick={() => showWhole(!whole)}>
            Without the base
          </button>
        )}
        <CopyButton text={value} name={`Copy the value of ${looked.run}`} />
      </div>
    </Dialog>
  );
}
