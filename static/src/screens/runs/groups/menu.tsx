// What runs can be grouped by.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listKeys } from "../../../api/runs.ts";
import type { Key, KeyKind } from "../../../api/runs.ts";
import { counted } from "../../../lib/format.ts";
import { Name } from "../../../parts/basics.tsx";
import { focused } from "../../../parts/focus.ts";
import { Answered } from "../../../parts/states.tsx";
import { useAsk } from "../../../state/ask.ts";
import { keyed } from "../columns.ts";
import { KEY_LIMIT } from "../keys.ts";

/** As many as one looks through; the search finds the others. */
const MOST = 100;

export interface GroupMenuProps {
  experiments: readonly string[];
  /** What stands in the address. */
  chosen: string | undefined;
  choose: (group: string | undefined) => void;
}

export function GroupMenu({ experiments, chosen, choose }: GroupMenuProps): JSX.Element {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const fits = (text: string): boolean => words.every((word) => text.toLowerCase().includes(word));
  const item = (id: string | undefined, name: string, about = ""): JSX.Element => (
    <button type="button" class="menu-item" key={id} aria-pressed={id === chosen} onClick={() => choose(id)}>
      <Name text={name} tail={16} />
      <span class="hint">{about}</span>
    </button>
  );
  return (
    <div class="group-menu">
      <input type="search" ref={focused} aria-label="Search params and tags" placeholder="Search params and tags" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      {chosen !== undefined && item(undefined, "Not grouped")}
      {fits("status") && item("status", "Status")}
      {fits("user") && item("user", "User")}
      <Keys kind="param" title="Params" experiments={experiments} fits={fits} item={item} />
      <Keys kind="tag" title="Tags" experiments={experiments} fits={fits} item={item} />
    </div>
  );
}

/** Names in use, those with different values first. */
function Keys({
  kind,
  title,
  experiments,
  fits,
  item,
}: {
  kind: KeyKind;
  title: string;
  experiments: readonly string[];
  fits: (text: string) => boolean;
  item: (id: string, name: string, about: string) => JSX.Element;
}): JSX.Element {
  const asked = useAsk(`${kind} of ${experiments.join()}`, (signal) => listKeys(kind, experiments, "", KEY_LIMIT, signal));
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <Answered asked={asked} what={title} lines={3}>
        {(keys) => {
          const found = sorted(keys).filter(({ key }) => fits(key));
          return (
            <>
              {found.slice(0, MOST).map(({ key, runs, differs }) => {
                const column = keyed(kind, key);
                return column && item(column.id, key, differs ? counted(runs, "run") : "same everywhere");
              })}
              {found.length === 0 && <p class="hint">none</p>}
              {found.length > MOST && <p class="hint">{found.length - MOST} more: search for them.</p>}
            </>
          );
        }}
      </Answered>
    </section>
  );
}

/** What differs tells more; of the tags those of clients least. */
function sorted(keys: readonly Key[]): readonly Key[] {
  const rank = ({ key, differs }: Key): number => (differs ? 0 : 1) + (key.startsWith("mlflow.") ? 2 : 0);
  return [...keys].sort((one, other) => rank(one) - rank(other) || (one.key < other.key ? -1 : 1));
}
