// What can be done with the runs that are selected: a line in the place of that which counts them all.

import type { JSX } from "preact";
import { whole } from "../../lib/format.ts";
import { Icon } from "../../parts/basics.tsx";
import { Changing } from "../../parts/changing.tsx";
import { BASKET_LIMIT } from "../../state/basket.ts";

export interface BulkActions {
  compare: () => void;
  addToBasket: () => void;
  tag: () => void;
  rename: () => void;
  remove: () => void;
  restore: () => void;
  exportCsv: () => void;
  copyIds: () => void;
  clear: () => void;
}

/** @param count how many runs are selected. */
export function Bulk({ count, trash, actions }: { count: number; trash: boolean; actions: BulkActions }): JSX.Element {
  const tooMany = count > BASKET_LIMIT ? `At most ${BASKET_LIMIT} runs can be compared` : undefined;
  return (
    <div class="bulk" role="toolbar" aria-label="What can be done with the selected runs">
      <strong class="figure">{whole(count)} selected</strong>
      {!trash && (
        <>
          <button type="button" disabled={tooMany !== undefined} title={tooMany} onClick={actions.compare}>
            Compare
          </button>
          <button type="button" disabled={tooMany !== undefined} title={tooMany} onClick={actions.addToBasket}>
            <Icon name="basket" /> Add to basket
          </button>
          <Changing>
            <button type="button" onClick={actions.tag}>
              Tag
            </button>
            {count === 1 && (
              <button type="button" onClick={actions.rename}>
                Rename
              </button>
            )}
          </Changing>
        </>
      )}
      <button type="button" onClick={actions.copyIds}>
        Copy ids
      </button>
      <button type="button" onClick={actions.exportCsv}>
        <Icon name="download" /> CSV
      </button>
      <Changing>
        {trash ? (
          <button type="button" onClick={actions.restore}>
            Restore
          </button>
        ) : (
          <button type="button" onClick={actions.remove}>
            <Icon name="trash" /> Delete
          </button>
        )}
      </Changing>
      <button type="button" class="quiet" aria-label="Select nothing" title="Select nothing" onClick={actions.clear}>
        <Icon name="close" />
      </button>
    </div>
  );
}
