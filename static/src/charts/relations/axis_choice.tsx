// Which axes are drawn, in a menu.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { field } from "../../lib/filter.ts";
import { Icon, Name } from "../../parts/basics.tsx";
import { Menu, MenuItem } from "../../parts/menu.tsx";
import { change } from "../../state/router.ts";
import { MOST_AXES, relationText } from "./axes.ts";
import type { PlotProps } from "./common.tsx";
import { setAxes } from "./heads.tsx";

/** As many names as a list shows; words find the others. */
const MOST_LISTED = 60;

/** `ids` are the axes that are drawn, from left to right; `isOwn` says that somebody chose them. */
export function AxisChoice({ frame, metric, ranked, metrics, ids, isOwn }: PlotProps & { ids: readonly string[]; isOwn: boolean }): JSX.Element {
  const [words, setWords] = useState("");
  const known = ranked.map(({ column, relation }) => ({ id: column.id, about: relationText(relation) }));
  const others = [...ids, ...frame.fields.filter((id) => !frame.columns.has(id)), ...metrics.map((key) => field("metrics", key) ?? "")];
  const listed = new Set(known.map(({ id }) => id));
  const all = [...known, ...[...new Set(others)].filter((id) => id !== "" && id !== metric.id && !listed.has(id)).map((id) => ({ id, about: "" }))];
  const wanted = words.toLowerCase().split(/\s+/);
  const found = all.filter(({ id }) => wanted.every((word) => id.toLowerCase().includes(word)));
  return (
    <Menu label={<Label />}>
      {(close) => (
        <>
          <input type="search" aria-label="Find an axis" placeholder="Find an axis" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
          {isOwn && (
            <MenuItem close={close} act={() => change({ axes: undefined })}>
              Those that go with {metric.name} most
            </MenuItem>
          )}
          {found.slice(0, MOST_LISTED).map(({ id, about }) => (
            <label class="check" key={id}>
              <input
                type="checkbox"
                checked={ids.includes(id)}
                disabled={!ids.includes(id) && ids.length >= MOST_AXES - 1}
                onChange={(event) => setAxes(event.currentTarget.checked ? [...ids, id] : ids.filter((one) => one !== id))}
              />
              <Name text={id} tail={16} />
              <span class="hint">{about}</span>
            </label>
          ))}
          {found.length > MOST_LISTED && <p class="hint">{found.length - MOST_LISTED} more: write a part of their names.</p>}
          {found.length === 0 && <p class="hint">No axis has these words.</p>}
          {ids.length >= MOST_AXES - 1 && <p class="hint">At most {MOST_AXES} axes are drawn: remove one to add another.</p>}
        </>
      )}
    </Menu>
  );
}

function Label(): JSX.Element {
  return (
    <>
      Axes <Icon name="down" />
    </>
  );
}
