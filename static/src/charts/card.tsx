import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Name } from "../parts/basics.tsx";
import { useInView } from "../parts/in_view.ts";
import { Skeleton, Trouble } from "../parts/states.tsx";
import { change, place } from "../state/router.ts";
import { inUtc } from "../state/zone.ts";
import type { Drawing } from "./arrange.ts";
import { CardMenu } from "./card_menu.tsx";
import { withChoice } from "./choices.ts";
import { Dots, Tile } from "./few.tsx";
import type { Cursor, Events, Picture } from "./engine.ts";
import type { Curves } from "./feed.ts";
import { kindOf } from "./kind.ts";
import { notesOf, summaryOf } from "./notes.ts";
import type { Note } from "./notes.ts";
import { isShown, originNote } from "./origin.ts";
import { pictureOf } from "./picture.ts";
import { Pinned } from "./pinned.tsx";
import { PlotView } from "./plot.tsx";
import { Readings, Readout } from "./readings.tsx";
import type { Standing } from "./save_card.ts";
import { inkFor, isMean, runName } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import { axisOf, limitsText, pinOf, scaleWish } from "./settings.ts";
import type { XKind } from "./ticks.ts";
import { useCurves, useDrawing } from "./use_curves.ts";

/** A chart with its head: what it shows, and what is to be said about it. `height` is that of the drawing, in pixels. */
export function CardView({ card, scene, height }: { card: Card; scene: Scene; height: number }): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const inView = useInView(box);
  const asked = useCurves(scene, card.metrics, inView);
  const curves = asked.answer;
  const all = useMemo(() => curves?.series.filter((series) => isShown(series, scene.hidden)) ?? [], [curves, scene.hidden]);
  // What is said of values is said of the runs themselves.
  const shown = useMemo(() => all.filter(({ until }) => until === undefined), [all]);
  const origin = originNote(all, (run) => runName(scene, run));
  const state = place.value.state;
  const axis = curves?.overTime ? "relative" : axisOf(scene.settings.x, card.metrics[0] ?? "").kind;
  const drawing = useDrawing(scene, curves, axis, scaleWish(state, card.id));
  const kind = kindOf(all);
  const cursor = useSignal<Cursor | null>(null);
  const name = card.metrics.join(" + ");
  const pinned = pinOf(state, card.id);
  const summary = summaryOf(name, shown, (run) => runName(scene, run));
  const line = kind === "line" && curves !== undefined && drawing !== null ? { curves, drawing, axis } : null;
  const standing = (): Standing | null =>
    shown.some(({ points }) => points > 0) ? { card, scene, series: shown, line, pinned, width: box.current?.clientWidth ?? 0, height } : null;
  return (
    <article class={scene.pins ? "card" : "card plain"} ref={box} data-metric={card.id} data-kind={curves === undefined ? "waiting" : kind} data-lines={drawing?.strokes.filter(({ role }) => role === "line").length} aria-busy={asked.waiting} aria-label={name}>
      <header class="card-head">
        <h3>
          <Name text={name} />
        </h3>
        {line && <Readout scene={scene} drawing={line.drawing} cursor={cursor} />}
        {scene.pins && <CardMenu card={card} scene={scene} series={shown} standing={standing} />}
      </header>
      <Notes notes={[...(line && isMean(scene) ? [{ text: runName(scene, "") }] : []), ...(origin === null ? [] : [{ text: origin }]), ...notesOf(shown, drawing?.marks ?? [])]} card={card.id} />
      <div class="card-body" style={{ height: `${height}px` }}>
        {asked.failure && <Trouble what={name} failure={asked.failure} retry={asked.again} />}
        {curves === undefined && !asked.failure && <Skeleton lines={5} name={name} />}
        {curves && kind === "none" && <p class="card-none">{scene.settings.range ? "no values in this range" : "no values"}</p>}
        {curves && kind === "tile" && shown[0] && <Tile series={shown[0]} x={curves.x[0]} />}
        {curves && kind === "dots" && <Dots series={shown} scene={scene} summary={summary} />}
        {line && inView && <Line {...line} card={card} scene={scene} cursor={cursor} summary={summary} pinned={pinned} />}
        {line && pinned !== null && <Pinned card={card} scene={scene} {...line} at={pinned} />}
      </div>
    </article>
  );
}

/** What is drawn as lines, and what is read from it. */
function Line({
  curves,
  drawing,
  axis,
  card,
  scene,
  cursor,
  summary,
  pinned,
}: {
  curves: Curves;
  drawing: Drawing;
  axis: XKind;
  card: Card;
  scene: Scene;
  cursor: { value: Cursor | null };
  summary: string;
  pinned: number | null;
}): JSX.Element {
  const { settings, hovered } = scene;
  const inkOf = useMemo(() => inkFor(scene, card.metrics), [scene.runs, scene.parts, card]);
  const [lifted, utc] = [hovered.value, inUtc()];
  const picture = useMemo<Picture>(
    () => pictureOf({ card, scene, curves, drawing, axis, inkOf, lifted, pinned, utc }),
    [drawing, axis, settings.range?.join(), curves, settings.x, inkOf, lifted, pinned, utc, scene.hidden, scene.forks],
  );
  const { state } = place.value;
  const events: Events = {
    zoom: (from, to) => change({ range: limitsText(from, to, axis !== "metric") }),
    limit: (from, to) => change({ yr: withChoice(state.yr, card.id, limitsText(from, to, false)) }),
    reset: () => change({ range: undefined, yr: undefined }),
    pin: (x) => change({ pin: withChoice(undefined, card.id, String(axis === "metric" ? Number(x.toPrecision(6)) : Math.round(x))) }),
    point: (at) => (cursor.value = at),
  };
  return (
    <>
      <PlotView picture={picture} events={events} summary={summary} unpin={() => change({ pin: undefined })} />
      <Readings scene={scene} card={card} drawing={drawing} axis={axis} cursor={cursor} />
    </>
  );
}

/** Remarks in one line; what was left outside is shown by a click. */
function Notes({ notes, card }: { notes: readonly Note[]; card: string }): JSX.Element {
  const { out } = place.value.state;
  const text = notes.map((note) => note.text).join(" · ");
  return (
    <p class="card-notes" title={text}>
      {notes.map((note, index) => (
        <span key={note.text} class={note.kind === "bad" ? "bad" : ""}>
          {index > 0 && " · "}
          {note.kind === "outside" ? (
            <button type="button" class="link" title="Show all points" onClick={() => change({ out: withChoice(out, card, "0") })}>
              {note.text}
            </button>
          ) : (
            note.text
          )}
        </span>
      ))}
    </p>
  );
}
