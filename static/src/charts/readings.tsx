// What the cursor reads: beside the pointer in its own chart, in the head of the others.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { number } from "../lib/format.ts";
import { Name } from "../parts/basics.tsx";
import { LineSample } from "../parts/line_sample.tsx";
import { inUtc } from "../state/zone.ts";
import type { Drawing } from "./arrange.ts";
import { meantRun, readingsAt } from "./cursor.ts";
import type { Cursor } from "./engine.ts";
import { inkFor, labelOf } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import type { XKind } from "./ticks.ts";
import { aboutX, readX, shortX } from "./x_words.ts";

/** As many as are read at a glance. */
const MOST = 8;

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
  const labelled = scene.runs.length > 1 || scene.parts.length > 0 || card.metrics.length > 1;
  const [first] = found;
  const same = found.every(({ x, width }) => x === first?.x && width === first.width);
  const shown = found.slice(0, MOST);
  return (
    <div class="readings" style={{ ...besidePointer(at), top: `${Math.round(Math.min(at.top, LOWEST))}px` }}>
      <p>{same && first ? readX(first, axis, inUtc()) : aboutX(at.x, axis, inUtc())}</p>
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
              {!same && <td class="hint">{shortX(reading, axis, inUtc())}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > MOST && <p class="hint">{found.length - MOST} more</p>}
    </div>
  );
}

/** Where there is more room. */
function besidePointer({ left, width }: Cursor): { left?: string; right?: string } {
  return left < width / 2 ? { left: `${Math.round(left) + BESIDE}px` } : { right: `${Math.round(width - left) + BESIDE}px` };
}
