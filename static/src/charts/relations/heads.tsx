// What stands above axes: their names, how they go together with the metric, and a menu that does with keys what the pointer does.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { whole } from "../../lib/format.ts";
import { Name } from "../../parts/basics.tsx";
import { Menu, MenuItem } from "../../parts/menu.tsx";
import { change } from "../../state/router.ts";
import { relationText } from "./axes.ts";
import type { Ranked } from "./axes.ts";
import type { Brush, Brushes } from "./brush.ts";
import { isLog, setLog } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import type { Axis } from "./lines.ts";

type Brushing = (id: string, brush: Brush | null) => void;

/** Puts these axes into the address, from left to right. */
export function setAxes(ids: readonly string[]): void {
  change({ axes: ids.join() });
}

export function AxisHeads({
  shown,
  metric,
  axes,
  brushes,
  brush,
}: PlotProps & { shown: readonly Ranked[]; axes: readonly Axis[]; brushes: Brushes; brush: Brushing }): JSX.Element {
  const [dragged, drag] = useState<number | null>(null);
  const ids = shown.map(({ column }) => column.id);
  const move = (from: number, to: number): void => {
    const next = [...ids];
    next.splice(to, 0, ...next.splice(from, 1));
    setAxes(next);
  };
  return (
    <ol class="parallel-heads" aria-label="Axes">
      {axes.map((axis, place) => {
        const { column } = axis;
        const ranked = shown[place];
        return (
          <li
            key={column.id}
            draggable={ranked !== undefined}
            data-dragged={dragged === place}
            onDragStart={(event) => {
              event.dataTransfer?.setData("text/plain", column.name);
              drag(place);
            }}
            onDragOver={(event) => dragged !== null && ranked !== undefined && event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged !== null && dragged !== place) move(dragged, place);
              drag(null);
            }}
            onDragEnd={() => drag(null)}
          >
            {/* Params are paths: where there is little room their ends stay, which say what they are. */}
            <Menu label={<span class="axis-name"><Name text={column.name} tail={8} whole={12} /></span>} name={column.name} quiet>
              {(close) => (
                <>
                  <RangeForm axis={axis} own={brushes.get(column.id)} brush={brush} close={close} />
                  {column.kind === "number" && column.values.some((value) => value > 0) && (
                    <MenuItem close={close} act={() => setLog(column, !isLog(column))} pressed={isLog(column)}>
                      Logarithmic
                    </MenuItem>
                  )}
                  {ranked && place > 0 && (
                    <MenuItem close={close} act={() => move(place, place - 1)}>
                      Move left
                    </MenuItem>
                  )}
                  {ranked && place < ids.length - 1 && (
                    <MenuItem close={close} act={() => move(place, place + 1)}>
                      Move right
                    </MenuItem>
                  )}
                  {ranked && ids.length > 1 && (
                    <MenuItem close={close} act={() => setAxes(ids.filter((id) => id !== column.id))}>
                      Remove the axis
                    </MenuItem>
                  )}
                </>
              )}
            </Menu>
            <Relation ranked={ranked} metric={metric.name} />
          </li>
        );
      })}
    </ol>
  );
}

function Relation({ ranked, metric }: { ranked: Ranked | undefined; metric: string }): JSX.Element {
  if (ranked === undefined) return <small class="hint">the metric</small>;
  const { relation } = ranked;
  const what = relation.sign === "ρ" ? "Rank correlation (Spearman)" : "Correlation ratio of the ranks";
  return (
    <small class="hint" title={`${what} with ${metric}, over ${whole(relation.n)} runs that have both`}>
      {relationText(relation)}
      {relation.value !== null && ` · n ${whole(relation.n)}`}
    </small>
  );
}

/** The range of an axis as fields, or its texts as boxes. */
function RangeForm({ axis: { column }, own, brush, close }: { axis: Axis; own: Brush | undefined; brush: Brushing; close: () => void }): JSX.Element {
  const written = (end: number): string => (Number.isFinite(end) ? String(end) : "");
  const range = own && "from" in own ? own : { from: -Infinity, to: Infinity };
  const [from, setFrom] = useState(written(range.from));
  const [to, setTo] = useState(written(range.to));
  const texts = own && "texts" in own ? own.texts : [];
  const clear = own !== undefined && (
    <MenuItem close={close} act={() => brush(column.id, null)}>
      Clear the range
    </MenuItem>
  );
  if (column.kind !== "number") {
    const toggle = (text: string): void => {
      const next = texts.includes(text) ? texts.filter((one) => one !== text) : [...texts, text];
      brush(column.id, next.length === 0 ? null : { texts: next });
    };
    return (
      <>
        {column.texts.slice(0, 30).map((text) => (
          <label class="check" key={text}>
            <input type="checkbox" checked={texts.includes(text)} onChange={() => toggle(text)} />
            <Name text={text} />
          </label>
        ))}
        {clear}
      </>
    );
  }
  const low = from.trim() === "" ? -Infinity : Number(from);
  const high = to.trim() === "" ? Infinity : Number(to);
  const isRange = low <= high && (from.trim() !== "" || to.trim() !== "");
  return (
    <form
      class="parallel-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isRange) return;
        brush(column.id, { from: low, to: high });
        close();
      }}
    >
      <label>
        From <input inputMode="decimal" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        To <input inputMode="decimal" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={!isRange}>
        Choose the range
      </button>
      {clear}
    </form>
  );
}
