// All that draws curves, in one part of the page that is loaded when it is needed first.

import type { Signal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useActions } from "../frame/actions.ts";
import { Empty } from "../parts/states.tsx";
import { Icon, Name } from "../parts/basics.tsx";
import { isTextMap, isTexts, kept } from "../state/kept.ts";
import { useAsk } from "../state/ask.ts";
import { readForks } from "../state/forks.ts";
import type { Fork } from "../lib/forks.ts";
import { change, place } from "../state/router.ts";
import { partsOf } from "./origin.ts";
import { CardView } from "./card.tsx";
import { Controls } from "./controls.tsx";
import { nameFilter } from "./filter.ts";
import { Legend } from "./legend.tsx";
import { pinsOf } from "./pins.ts";
import { principalMetrics } from "./principal.ts";
import { ReportButton } from "./report/button.tsx";
import type { MetricName, RunChartsProps } from "./run_charts.tsx";
import type { DrawnRun, Scene } from "./scene.ts";
import { sectionsOf } from "./sections.ts";
import type { Section } from "./sections.ts";
import { axisOf, combinedOf, settingsOf } from "./settings.ts";

/** Height of a card's drawing, pixels. */
const HEIGHT = 210;
/** So wide in pixels must the page be for a second, third and fourth card side by side. The fourth comes late: there are three principal metrics. */
const ROOM = [860, 1_140, 2_200];
/** Numbers of values that are asked for of a curve: the greatest that has a pixel for each. Few, so that a resize seldom asks anew. */
const BUCKETS = [200, 300, 400, 500, 700, 1_000, 1_400, 2_000];

/** How many cards stand side by side: "auto" or a number. */
const columnsWish = kept<{ readonly columns?: string }>("charts.columns", {}, isTextMap);
/** Sections that were opened, and those that were closed, against what they are by themselves. */
const opened = kept<readonly string[]>("charts.opened", [], isTexts);
const closed = kept<readonly string[]>("charts.closed", [], isTexts);

/** Cards of all metrics with their controls. `version` grows when there may be new points. */
export function Cards({
  runs,
  experiments,
  hovered,
  hidden,
  onHide,
  kind,
  names,
  version,
  forks,
  standardX = "step",
  report,
}: RunChartsProps & { names: readonly MetricName[]; version: number }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { state } = place.value;
  const wish = Number(columnsWish.value.columns);
  const pins = pinsOf(experiments);
  useActions("Metrics of this page", names.map(({ key }) => ({ name: key, run: () => change({ m: key }) })));
  const filter = nameFilter(state.m ?? "");
  const found = names.filter(({ key }) => filter.matches(key));
  const sections = sectionsOf({
    metrics: found.map(({ key }) => key),
    principal: principalMetrics(found, pins.pinned),
    pinned: pins.pinned,
    combined: combinedOf(state.with),
    devices: kind === "system",
    filtered: (state.m ?? "").trim() !== "" && filter.error === null,
  });
  // The same x stands below the same x in all sections, so they have one number of columns; devices have few cards each.
  const most = kind === "system" ? Math.max(1, ...sections.map(({ cards }) => cards.length)) : Infinity;
  const columns = wish >= 1 && wish <= ROOM.length + 1 ? wish : Math.min(most, 1 + ROOM.filter((least) => width >= least).length);
  const scene = useScene({ runs, experiments, known: forks, hovered, hidden, standardX, version, metrics: names.map(({ key }) => key), width: width / columns, pins });
  const open = sections.filter(isOpen).flatMap(({ cards }) => cards);
  return (
    <div class="charts" ref={box}>
      <Controls scene={scene} standardX={standardX} shown={found.length} filterError={filter.error} columns={columnsWish}>
        {report && <ReportButton {...report} runs={runs} experiments={experiments} hidden={hidden} forks={scene.forks} parts={scene.parts} cards={open} standardX={standardX} />}
      </Controls>
      {runs.length > 1 && <Legend scene={scene} onHide={onHide} />}
      {names.length === 0 && <Empty title={kind === "system" ? "No metrics of the machine were logged." : "No metrics were logged."} />}
      {names.length > 0 && found.length === 0 && <Empty title={`No name of ${names.length} metrics matches.`} />}
      {scene.asked.length === 0 && <Empty title="All runs are hidden." />}
      {width > 0 && scene.asked.length > 0 && sections.map((section) => <CardSection key={section.title} section={section} scene={scene} columns={columns} />)}
    </div>
  );
}

/** A card alone: no menu, and what is chosen for all cards counts for it too. */
export function SingleCard({
  runs,
  metric,
  height,
  hovered,
  version,
}: {
  runs: readonly DrawnRun[];
  metric: string;
  height: number;
  hovered: Signal<string | null>;
  version: number;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const scene = useScene({ runs, experiments: null, hovered, hidden: [], standardX: "step", version, metrics: [metric], width, pins: null });
  return (
    <div ref={box} class="charts">
      {width > 0 && <CardView card={{ id: metric, metrics: [metric] }} scene={scene} height={height} />}
    </div>
  );
}

function CardSection({ section, scene, columns }: { section: Section; scene: Scene; columns: number }): JSX.Element {
  const { title, cards } = section;
  const isShown = isOpen(section);
  const toggle = (): void => {
    const list = section.open ? closed : opened;
    list.value = list.value.includes(title) ? list.value.filter((one) => one !== title) : [...list.value, title];
  };
  return (
    <section class="card-section" aria-label={title}>
      <h2>
        <button type="button" class="quiet" aria-expanded={isShown} onClick={toggle}>
          <Icon name={isShown ? "down" : "right"} /> <Name text={title} /> <span class="hint">{cards.length}</span>
        </button>
      </h2>
      {isShown && (
        <div class="card-grid" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
          {cards.map((card) => (
            <CardView key={card.id} card={card} scene={scene} height={HEIGHT} />
          ))}
        </div>
      )}
    </section>
  );
}

function isOpen({ title, open }: Section): boolean {
  return open ? !closed.value.includes(title) : opened.value.includes(title);
}

function useScene({
  runs,
  experiments,
  known,
  hovered,
  hidden,
  standardX,
  version,
  metrics,
  width,
  pins,
}: Pick<Scene, "runs" | "hovered" | "version" | "metrics" | "pins"> & {
  hidden: readonly string[];
  standardX: string;
  width: number;
  /** Where forks are looked for; null where runs are drawn as they are. */
  experiments: readonly string[] | null;
  known?: RunChartsProps["forks"];
}): Scene {
  const hiddenKey = hidden.join();
  const hiddenSet = useMemo(() => new Set(hidden), [hiddenKey]);
  const asked = useAskedRuns(runs, hiddenSet);
  const pixels = width * devicePixelRatio;
  const buckets = [...BUCKETS].reverse().find((one) => one <= pixels) ?? BUCKETS[0] ?? 200;
  const settings = settingsOf(place.value.state, standardX);
  const isAsked = known === undefined && axisOf(settings.x, "").kind === "step";
  const found = useForks(runs, isAsked ? experiments : null);
  const forks = known ?? found;
  const parts = useMemo(() => (settings.origin ? partsOf(asked.filter((id) => !hiddenSet.has(id)), forks) : []), [settings.origin, asked, hiddenSet, forks]);
  return { runs, asked, hidden: hiddenSet, hovered, settings, forks, parts, version, buckets, metrics, pins };
}

const NO_FORKS: ReadonlyMap<string, Fork> = new Map();

/** Those of the runs that are forks. Nobody waits for it: without it curves are drawn as they are. */
function useForks(runs: readonly DrawnRun[], experiments: readonly string[] | null): ReadonlyMap<string, Fork> {
  const ids = runs.map(({ id }) => id).sort();
  const known = [...new Set(runs.flatMap(({ experiment }) => experiment ?? []))];
  const where = known.length > 0 ? known : experiments;
  const key = where === null || where.length === 0 || ids.length === 0 ? null : ids.join();
  const { answer } = useAsk(key, (signal) => readForks(ids, where ?? [], signal));
  return (key !== null && answer) || NO_FORKS;
}

/** The runs whose curves are had: hiding one asks for nothing, showing one that was never there does. */
function useAskedRuns(runs: readonly DrawnRun[], hidden: ReadonlySet<string>): readonly string[] {
  const asked = useRef<readonly string[]>([]);
  const present = new Set(runs.map(({ id }) => id));
  const visible = runs.map(({ id }) => id).filter((id) => !hidden.has(id));
  const isEnough = visible.every((id) => asked.current.includes(id)) && asked.current.every((id) => present.has(id)) && visible.length > 0;
  if (!isEnough) asked.current = visible;
  return asked.current;
}

function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (box.current === null) return;
    const watch = new ResizeObserver((entries) => setWidth(Math.round(entries.at(-1)?.contentRect.width ?? 0)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return width;
}
