// What the cursor reads: beside the pointer in its own chart, in the head of the others.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { number } from "../lib/format.ts";
import { Name } from "../parts/basics.tsx";
import { LineSample } from "../parts/line_sample.tsx";
import { inUtc } from "../state/zone.ts";
import type { Drawing } from "./arrange.ts";
import { readingsAt } from "./cursor.ts";
import type { Reading } from "./cursor.ts";
import type { Cursor } from "./engine.ts";
import { inkFor, runName } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import type { XKind } from "./ticks.ts";
import { shortX, xWords } from "./x_words.ts";

/** As many as are read at a glance. */
const MOST = 8;
/** A line this close to the pointer is meant by it, of the height of the axis. */
const CLOSE = 0.06;

/** Pixels between the pointer and what it reads, and the lowest place of that. */
const BESIDE = 14;
const LOWEST = 60;

interface Pointed {
  value: Cursor | null;
}

/** The value at a cursor that is in another chart: of the run that is pointed at, or of the only one. */
export function Readout({ scene, drawing, cursor }: { scene: Scene; drawing: Drawing; cursor: Pointed }): JSX.Element | null {
  const at = cursor.value;
  if (at === null || at.own) return null;
  const found = readingsAt(drawing, at.x, at.y);
  const reading = found.length === 1 ? found[0] : found.find(({ run }) => run === scene.hovered.value);
  return reading ? <span class="card-readout figure">{number(reading.value)}</span> : null;
}

/** The values at the pointer, those near to it first; the nearest line is lifted on the whole screen. */
export function Readings({
  scene,
  card,
  drawing,
  axis,
  cursor,
}: {
  scene: Scene;
  card: Card;
  drawing: Drawing;
  axis: XKind;
  cursor: Pointed;
}): JSX.Element | null {
  const at = cursor.value;
  const found = at?.own ? readingsAt(drawing, at.x, at.y) : [];
  const meant = at?.own ? meantRun(found, at.y, drawing) : undefined;
  useEffect(() => {
    if (meant !== undefined && scene.runs.length > 1) scene.hovered.value = meant;
  }, [meant]);
  // Away from the chart nothing is meant; without this the last run would stay lifted.
  useEffect(() => (meant === undefined ? undefined : () => (scene.hovered.value = null)), [meant === undefined]);
  if (!at?.own || found.length === 0) return null;
  const inkOf = inkFor(scene, card.metrics);
  const labelled = scene.runs.length > 1 || card.metrics.length > 1;
  const [first] = found;
  const same = found.every(({ x }) => x === first?.x);
  const shown = found.slice(0, MOST);
  return (
    <div class="readings" style={{ ...besidePointer(at), top: `${Math.round(Math.min(at.top, LOWEST))}px` }}>
      <p>{xWords(same && first ? first.x : at.x, axis, inUtc())}</p>
      <table>
        <tbody>
          {shown.map((reading) => (
            <tr key={`${reading.run} ${reading.metric}`} data-meant={reading.run === meant}>
              {labelled && (
                <th scope="row">
                  <span class="line-label">
                    <LineSample ink={inkOf(reading.run, reading.metric)} />
                    <Name text={labelOf(reading, scene, card)} />
                  </span>
                </th>
              )}
              <td>{number(reading.value)}</td>
              {reading.min < reading.max && <td class="hint">{`${number(reading.min)}–${number(reading.max)}`}</td>}
              {!same && <td class="hint">{shortX(reading.x, axis, inUtc())}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > MOST && <p class="hint">{found.length - MOST} more</p>}
    </div>
  );
}

/** What a line of a card is called: by its run, its metric, or both. */
export function labelOf({ run, metric }: Pick<Reading, "run" | "metric">, scene: Scene, card: Card): string {
  if (card.metrics.length === 1) return runName(scene, run);
  return scene.runs.length === 1 ? metric : `${runName(scene, run)} · ${metric}`;
}

/** The run of the nearest line, should it be close; null where none is. */
function meantRun(found: readonly Reading[], height: number, { scale }: Drawing): string | null {
  const nearest = found[0];
  if (!nearest || nearest.run === "") return null;
  const place = (value: number): number => (scale.log ? Math.log(Math.max(value, scale.from)) : value);
  const share = Math.abs(place(nearest.value) - place(height)) / (place(scale.to) - place(scale.from));
  return share <= CLOSE ? nearest.run : null;
}

/** Where there is more room. */
function besidePointer({ left, width }: Cursor): { left?: string; right?: string } {
  return left < width / 2 ? { left: `${Math.round(left) + BESIDE}px` } : { right: `${Math.round(width - left) + BESIDE}px` };
}
