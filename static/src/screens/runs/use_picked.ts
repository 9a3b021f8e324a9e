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
  /** These runs are not in the table any more. */
  drop: (runs: readonly string[]) => void;
}

/** The selection, which stands in the address as far as that can hold it. All that match are those of `search`, and of no other. */
export function usePicked(search: string): Picking {
  const written = place.value.state.sel;
  const picked = useSignal<Picked>(readPicked(written));
  const pickedFor = useRef(search);
  const anchor = useRef<number | null>(null);

  const set = (next: Picked): void => {
    picked.value = next;
    pickedFor.current = search;
    change({ sel: writePicked(next) }, "replace");
  };
  useEffect(() => {
    // Somebody went back, or to an address with another selection.
    if (written === writePicked(picked.peek())) return;
    picked.value = readPicked(written);
    pickedFor.current = search;
  }, [written]);
  useEffect(() => {
    if (picked.peek().all && pickedFor.current !== search) set(NOTHING);
  }, [search]);

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
  return {
    picked: picked.value,
    pick,
    pickAll: (wanted) => set(wanted ? EVERYTHING : NOTHING),
    drop: (runs) => set(picked.peek().all ? NOTHING : withRuns(picked.peek(), runs, false)),
  };
}
