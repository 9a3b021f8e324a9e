import type { JSX } from "preact";
import { change, place } from "../state/router.ts";
import { useResting } from "./resting.ts";

/** Pause after typing before the address follows, ms. */
const PAUSE_MS = 300;

/** The words by which the experiments of a screen are filtered, kept in its address. */
export function FilterBox({ placeholder }: { placeholder: string }): JSX.Element {
  const [text, type] = useResting(place.value.state.q ?? "", PAUSE_MS, (typed) => {
    const q = typed.trim();
    change({ q }, "replace");
    return q;
  });
  return (
    <input
      type="search"
      class="filter-box"
      aria-label="Filter the experiments"
      placeholder={placeholder}
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
    />
  );
}
