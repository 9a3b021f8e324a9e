import type { JSX } from "preact";
import { pointsNear } from "../api/series.ts";
import type { LoggedPoint } from "../api/series.ts";
import { number, whole } from "../lib/format.ts";
import { Icon, Name, Time } from "../parts/basics.tsx";
import { LineSample } from "../parts/line_sample.tsx";
import { useAsk } from "../state/ask.ts";
import { address, runRoute } from "../state/place.ts";
import { change, place } from "../state/router.ts";
import { inUtc } from "../state/zone.ts";
import type { Drawing } from "./arrange.ts";
import { withChoice } from "./choices.ts";
import { readingsAt } from "./cursor.ts";
import type { Reading } from "./cursor.ts";
import type { Curves } from "./feed.ts";
import { inkFor, labelOf } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import type { XKind } from "./ticks.ts";
import { aboutX, stepsOf, xWords } from "./x_words.ts";

/** The values at a pinned x as a table, greatest first. Along steps each has the point that was logged nearest, and its time. */
export function Pinned({
  card,
  scene,
  curves,
  drawing,
  axis,
  at,
}: {
  card: Card;
  scene: Scene;
  curves: Curves;
  drawing: Drawing;
  axis: XKind;
  at: number;
}): JSX.Element {
  const found = [...readingsAt(drawing, at, 0)].sort((one, other) => other.value - one.value);
  const points = useNearest(card, found, curves, axis, at);
  const inkOf = inkFor(scene, card.metrics);
  const where = (found.some(({ x, width }) => width === 0 && x === at) ? xWords : aboutX)(at, axis, inUtc());
  const unpin = (): void => change({ pin: withChoice(place.value.state.pin, card.id, undefined) });
  return (
    <section class="pinned" aria-label={`Values at ${where}`}>
      <header>
        <strong>{where}</strong>
        <button type="button" class="quiet" aria-label="Unpin" onClick={unpin}>
          <Icon name="close" />
        </button>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Value</th>
            {axis === "step" && <th scope="col">Step</th>}
            {axis === "step" && <th scope="col">Time</th>}
            {!curves.raw && <th scope="col">Around it</th>}
          </tr>
        </thead>
        <tbody>
          {found.map((reading) => {
            const point = points.get(reading.run);
            return (
              <tr key={`${reading.run} ${reading.metric}`}>
                <th scope="row">
                  <span class="line-label">
                    <LineSample ink={inkOf(reading.run, reading.metric)} />
                    <RunName reading={reading} scene={scene} card={card} />
                  </span>
                </th>
                <td>{number(point?.value ?? reading.value)}</td>
                {axis === "step" && <td>{point ? whole(point.step) : stepsOf(reading.x, reading.width)}</td>}
                {axis === "step" && <td>{point && <Time ms={point.timestamp} />}</td>}
                {!curves.raw && <td>{reading.min < reading.max ? `${number(reading.min)}–${number(reading.max)}` : ""}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
      {found.length === 0 && <p class="hint">No curve has a value here.</p>}
    </section>
  );
}

function RunName({ reading, scene, card }: { reading: Reading; scene: Scene; card: Card }): JSX.Element {
  const experiment = scene.runs.find(({ id }) => id === reading.run)?.experiment;
  const name = <Name text={labelOf(reading, scene, card)} />;
  return experiment === undefined ? name : <a href={address(runRoute(experiment, reading.run))}>{name}</a>;
}

/** The logged points nearest to a step, by run: a drawing has neither their times nor, of many points, their steps. */
function useNearest(card: Card, found: readonly Reading[], curves: Curves, axis: XKind, at: number): ReadonlyMap<string, LoggedPoint> {
  const [metric = ""] = card.metrics;
  const half = (curves.grid?.width ?? 0) / 2;
  const steps = [at, ...found.map(({ x }) => x)];
  const [from, to] = [Math.floor(Math.min(...steps) - half), Math.ceil(Math.max(...steps) + half)];
  const runs = found.map(({ run }) => run).filter((run) => run !== "");
  const can = axis === "step" && card.metrics.length === 1 && runs.length > 0;
  const { answer } = useAsk(can ? `${metric} ${from} ${to} ${runs.join()}` : null, (signal) => pointsNear(runs, metric, from, to, signal));
  const nearest = new Map<string, LoggedPoint>();
  for (const point of answer ?? []) {
    const other = nearest.get(point.run_id);
    // Of two at one step the later counts, as in a curve.
    if (!other || Math.abs(point.step - at) <= Math.abs(other.step - at)) nearest.set(point.run_id, point);
  }
  return nearest;
}
