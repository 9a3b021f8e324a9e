import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { change, place } from "../../state/router.ts";
import { EVERYTHING, NOTHING, isPicked, only, readPicked, toggled, withRuns, writePicked } from "./selection.ts";
import type { Picked } from "./selection.ts";
import type { RowActions } from "./table.tsx";

export interface Picking {
  picked: Picked;
  pick: RowActions["pick"];
  pickAll: (wanted: boolean) => void;
}

/** The selection, which stands in the address as far as that can hold it. */
export function usePicked(): Picking {
  const written = place.value.state.sel;
  const picked = useSignal<Picked>(readPicked(written));
  const anchor = useRef<number | null>(null);
  useEffect(() => {
    // Somebody went back, or to an address with another selection.
    if (written !== writePicked(picked.peek())) picked.value = readPicked(written);
  }, [written]);

  const set = (next: Picked): void => {
    picked.value = next;
    change({ sel: writePicked(next) }, "replace");
  };
  const pick: RowActions["pick"] = (row, reach, load, index) => {
    const before = picked.peek();
    if (reach === "range" && anchor.current !== null) {
      const [first, last] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      void load(first, last + 1).then((rows) => set(withRuns(picked.peek(), rows.map(({ run }) => run), true)));
      return;
    }
    anchor.current = index;
    const isOnly = !before.all && before.runs.size === 1 && isPicked(before, row.run);
    if (reach === "toggle") set(toggled(before, row.run));
    else set(isOnly ? NOTHING : only([row.run]));
  };
  return { picked: picked.value, pick, pickAll: (wanted) => set(wanted ? EVERYTHING : NOTHING) };
}
