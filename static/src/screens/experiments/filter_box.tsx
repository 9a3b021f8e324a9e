import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { change, place } from "../../state/router.ts";

/** Pause after typing before the address follows, ms. */
const PAUSE_MS = 300;

/** The words that an experiment must have in its name, description, users or tags. */
export function FilterBox(): JSX.Element {
  const inAddress = place.value.state.q ?? "";
  const [text, setText] = useState(inAddress);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // Whoever goes back finds what was there.
  useEffect(() => setText(inAddress), [inAddress]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (typed: string): void => {
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change({ q: typed.trim() }, "replace"), PAUSE_MS);
  };
  return (
    <input
      type="search"
      class="filter-box"
      aria-label="Filter the experiments"
      placeholder="Filter by name, user, tag"
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
    />
  );
}
