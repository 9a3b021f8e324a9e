import type { JSX } from "preact";
import { change, place } from "../../state/router.ts";
import type { Sizes } from "./matrix.tsx";

/** Whether the runs are the rows of the tables, instead of the columns. */
export function swapped(): boolean {
  return place.value.state.swap === "1";
}

/** Sizes of the tables of a comparison; heads of runs have two lines. */
export function sizes(): Sizes {
  const rows = swapped() ? { head: 52, row: 46, firstColumn: 260 } : { head: 50, row: 32, firstColumn: 300 };
  return { ...rows, column: [184, 480] };
}

/** Makes rows columns, and columns rows. */
export function SwapButton(): JSX.Element {
  const isSwapped = swapped();
  return (
    <button type="button" aria-pressed={isSwapped} title="Swap rows and columns" onClick={() => change({ swap: isSwapped ? undefined : "1" })}>
      Swap
    </button>
  );
}
