import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Name } from "../parts/basics.tsx";
import { Skeleton, Trouble } from "../parts/states.tsx";
import { change, place } from "../state/router.ts";
import { inUtc } from "../state/zone.ts";
import type { Drawing } from "./arrange.ts";
import { CardMenu } from "./card_menu.tsx";
import { withChoice } from "./choices.ts";
import { Dots, Tile } from "./few.tsx";
import type { Cursor, Events, Picture } from "./engine.ts";
import type { Curves } from "./feed.ts";
import { idleRanges } from "./idle.ts";
import { kindOf } from "./kind.ts";
import { notesOf, summaryOf } from "./notes.ts";
import type { Note } from "./notes.ts";
import { Pinned } from "./pinned.tsx";
import { PlotView } from "./plot.tsx";
import { Readings, Readout } from "./readings.tsx";
import { inkFor, isMean, runName } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import { axisOf, limitsText, pinOf, scaleWish } from "./settings.ts";
import type { XKind } from "./ticks.ts";
import { useCurves, useDrawing, useInView } from "./use_curves.ts";

/** A chart with its head: what it shows, and what is to be said about it. `height` is that of the drawing, in pixels. */
export function CardView({ card, scene, height }: { card: Card; scene: Scene; height: number }): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const inView = useInView(box);
  const asked = useCurves(scene, card.metrics, inView);
  const curves = asked.answer;
  const shown = useMemo(() => curves?.series.filter(({ run_id }) => !scene.hidden.has(run_id)) ?? [], [curves, scene.hidden]);
  const state = place.value.state;
  const axis = curves?.overTime ? "relative" : axisOf(scene.settings.x, card.metrics[0] ?? "").kind;
  const drawing = useDrawing(scene, curves, axis, scaleWish(state, card.id));
  const kind = kindOf(shown);
  const cursor = useSignal<Cursor | null>(null);
  const name = card.metrics.join(" + ");
  const pinned = pinOf(state, card.id);
  const summary = summaryOf(name, shown, (run) => runName(scene, run));
  const line = kind === "line" && curves !== undefined && drawing !== null ? { curves, drawing, axis } : null;
  return (
    <article class={scene.pins ? "card" : "card plain"} ref={box} data-metric={card.id} data-kind={curves === undefined ? "waiting" : kind} data-lines={drawing?.strokes.filter(({ role }) => role === "line").length} aria-busy={asked.waiting} aria-label={name}>
      <header class="card-head">
        <h3>
          <Name text={name} />
        </h3>
        {line && <Readout scene={scene} drawing={line.drawing} cursor={cursor} />}
        {scene.pins && <CardMenu card={card} scene={scene} series={shown} />}
      </header>
      <Notes notes={[...(line && isMean(scene) ? [{ text: runName(scene, "") }] : []), ...notesOf(shown, drawing?.marks ?? [])]} card={card.id} />
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
  const range = (curves.overTime ? null : settings.range) ?? extentOf(curves);
  const inkOf = useMemo(() => inkFor(scene, card.metrics), [scene.runs, card]);
  const [lifted, utc] = [hovered.value, inUtc()];
  const picture = useMemo<Picture>(
    () => ({
      drawing,
      kind: axis,
      range,
      shared: curves.overTime ? null : settings.x,
      inkOf,
      lifted,
      pinned,
      attempts: attemptsOf(curves, axis, scene.hidden),
      idle: card.metrics.length === 1 ? idleRanges(card.id, drawing.strands, drawing.x) : [],
      offsetMs: utc ? 0 : -new Date(drawing.x[0] ?? 0).getTimezoneOffset() * 60_000,
    }),
    [drawing, axis, range.join(), settings.x, inkOf, lifted, pinned, utc, scene.hidden],
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

/** All of x that there are values for. Buckets are drawn at their middles. */
function extentOf({ x, grid }: Curves): readonly [number, number] {
  const half = (grid?.width ?? 0) / 2;
  const [first = 0, last = 1] = [x[0], x[x.length - 1]];
  return first < last ? [first - half, last + half] : [first - 1, first + 1];
}

/** Where attempts begin, but for the first: joined ones say it, and along time each is a segment. */
function attemptsOf({ series: all, x }: Curves, axis: XKind, hidden: ReadonlySet<string>): readonly number[] {
  const series = all.filter(({ run_id }) => !hidden.has(run_id));
  if (axis === "relative" || axis === "wall") return series.flatMap(({ segments }) => segments.slice(1).map(({ at }) => x[at?.[0] ?? 0] ?? 0));
  return series.flatMap(({ attempts }) => (attempts ?? []).slice(1).map(({ first_step }) => first_step));
}
