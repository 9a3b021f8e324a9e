// What the ranges come to: how many runs, and what can be done with these.

import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { counted, whole } from "../../lib/format.ts";
import { notify } from "../../parts/notice.tsx";
import { BASKET_LIMIT, addToBasket } from "../../state/basket.ts";
import { change, go } from "../../state/router.ts";
import { clausesOf, runsIn } from "./brush.ts";
import type { Brushes } from "./brush.ts";
import type { PlotProps } from "./common.tsx";

export function Chosen({ frame, demand, live, kept }: PlotProps & { live: Signal<Brushes | null>; kept: Brushes }): JSX.Element {
  const brushes = live.value ?? kept;
  if (brushes.size === 0) return <p class="hint">Draw along an axis to choose a range, or set it in the axis' menu.</p>;
  const places = runsIn(frame.columns, brushes, frame.runs.length);
  const runs = places.flatMap((place) => frame.runs[place]?.id ?? []);
  const without = frame.runs.filter((_, place) => [...brushes.keys()].some((id) => frame.columns.get(id)?.cells[place] === null)).length;
  const filter = (): void => {
    const clauses = clausesOf(frame.columns, brushes, runs);
    if (clauses === null) notify("These ranges leave out too many values to be written as a filter.");
    else demand?.(clauses);
  };
  return (
    <div class="relation-chosen">
      <p role="status">
        {whole(runs.length)} of {counted(frame.runs.length, "run")} in the ranges{without > 0 && `; ${whole(without)} not set on an axis with a range`}
      </p>
      <button type="button" disabled={runs.length < 2 || runs.length > BASKET_LIMIT} title={runs.length > BASKET_LIMIT ? `At most ${BASKET_LIMIT} runs can be compared` : undefined} onClick={() => go({ screen: "compare", runs })}>
        Compare these
      </button>
      <button
        type="button"
        disabled={runs.length === 0 || runs.length > BASKET_LIMIT}
        onClick={() => {
          addToBasket(runs);
          notify(`${counted(runs.length, "run")} put into the basket`);
        }}
      >
        Add to the basket
      </button>
      {demand && (
        <button type="button" disabled={runs.length === 0} onClick={filter}>
          Filter by these ranges
        </button>
      )}
      <button type="button" onClick={() => change({ brush: undefined })}>
        Clear the ranges
      </button>
    </div>
  );
}
