import type { JSX } from "preact";
import { counted, size, whole } from "../../../lib/format.ts";
import { Icon } from "../../../parts/basics.tsx";
import type { FileSearch } from "./file_search.ts";

/** What a search of the part that is shown came to, and what can be done about the rest of the file. */
interface Found {
  search: string;
  setSearch: (search: string) => void;
  /** Which of the places it is at, from 0, of how many. */
  at: number;
  count: number;
  /** Whether there are more than were counted. */
  more: boolean;
  step: (by: number) => void;
  /** The search of all of the file, where that is more than is shown. */
  all: { bytes: number; search: FileSearch | null; start: () => void; stop: () => void } | null;
}

/** Finds a text, from place to place: in what is shown of a file, and on demand in all of it. */
export function Finder({ search, setSearch, at, count, more, step, all }: Found): JSX.Element {
  const inAll = all?.search ?? null;
  const place = count === 0 ? "not found" : `${inAll ? "line " : ""}${whole(at + 1)} of ${whole(count)}${more ? "+" : ""}`;
  return (
    <search class="finder">
      <label class="filter-field">
        <span class="unseen">{all === null ? "Find" : "Find in what is shown"}</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder="Find"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1)}
        />
      </label>
      {search !== "" && (
        <>
          <span class="image-steps">
            <button type="button" class="quiet" aria-label="Previous place" title="Previous place (Shift-Enter)" disabled={count === 0} onClick={() => step(-1)}>
              <Icon name="left" />
            </button>
            <button type="button" class="quiet" aria-label="Next place" title="Next place (Enter)" disabled={count === 0} onClick={() => step(1)}>
              <Icon name="right" />
            </button>
          </span>
          <span class="hint figure" role="status">
            {inAll?.busy ? `${counted(count, "line")} so far` : place}
          </span>
        </>
      )}
      {search !== "" && all !== null && inAll === null && (
        <button type="button" onClick={all.start}>
          Find in all {size(all.bytes)}
        </button>
      )}
      {inAll?.busy && (
        <>
          <progress aria-label="How much was looked through" value={inAll.done} max={inAll.size} />
          <button type="button" onClick={all?.stop}>
            Stop
          </button>
        </>
      )}
      {inAll && !inAll.busy && inAll.done < inAll.size && (
        <span class="hint">
          {inAll.failure ? `${inAll.failure.message}; ` : ""}looked through {size(inAll.done)} of {size(inAll.size)}
        </span>
      )}
    </search>
  );
}
