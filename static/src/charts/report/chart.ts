// A chart of a report: drawn as vectors, read by pointing and by keys, zoomed by dragging.

import { arrange, oddMarks } from "../arrange.ts";
import type { Drawing } from "../arrange.ts";
import { meantRun, readingsAt } from "../cursor.ts";
import type { Reading } from "../cursor.ts";
import { kindOf } from "../kind.ts";
import { notesOf, summaryOf } from "../notes.ts";
import { isDrawn, originNote, partsFor, partsOf } from "../origin.ts";
import { pictureOf } from "../picture.ts";
import { scaleOf } from "../range.ts";
import { inkFor, isMean, labelOf, runName } from "../scene.ts";
import type { Scene } from "../scene.ts";
import { meanStrands, strandsOf } from "../strands.ts";
import type { Strand } from "../strands.ts";
import { planeOf, plotSvg } from "../vector.ts";
import type { Plane } from "../vector.ts";
import { xWords } from "../x_words.ts";
import { number, whole } from "../../lib/format.ts";
import { unslim } from "./data.ts";
import type { ReportCard, ReportFork } from "./data.ts";
import { COLOURS, element, lineSample } from "./element.ts";

/** What all charts of a report share. */
export interface Board {
  scene: Pick<Scene, "runs" | "hidden"> & { each: boolean; forks: ReadonlyMap<string, ReportFork> };
  utc: boolean;
  /** What of x is shown, by what x is called; charts with the same x are zoomed together. */
  ranges: Map<string, readonly [number, number]>;
  /** The run that is lifted out. */
  lifted: string | null;
  zoom: (xName: string, range: readonly [number, number] | null) => void;
  lift: (run: string | null) => void;
}

const HEIGHT = 230;
/** As many values as are read at a glance. */
const MOST = 12;
/** Pixels between the pointer and what it reads, and those that a pointer moves before it drags. */
const BESIDE = 14;
const DRAG_PX = 4;
/** How far an arrow key moves the cursor, of what is shown. */
const KEY_STEP = 1 / 50;

export class Chart {
  readonly element: HTMLElement;
  private readonly answer;
  private readonly head = element("h3");
  private readonly notes = element("p", { class: "notes" });
  private readonly plot: HTMLElement;
  private readonly readings = element("div", { class: "readings", hidden: "" });
  private readonly line = element("div", { class: "cursor", hidden: "" });
  private readonly band = element("div", { class: "dragged", hidden: "" });
  private readonly reset = element("button", { type: "button", hidden: "" }, "Reset zoom");
  private drawn: { drawing: Drawing; plane: Plane } | null = null;
  private log: boolean;
  /** Where the keys put the cursor. */
  private at: number | null = null;

  constructor(
    private readonly card: ReportCard,
    private readonly board: Board,
  ) {
    this.answer = unslim(card.answer);
    this.log = card.wish.log;
    const name = card.metrics.join(" + ");
    this.head.textContent = name;
    this.head.title = name;
    const log = element("button", { type: "button", "aria-pressed": String(this.log) }, "Log");
    log.addEventListener("click", () => {
      this.log = !this.log;
      log.setAttribute("aria-pressed", String(this.log));
      this.draw();
    });
    this.reset.addEventListener("click", () => board.zoom(this.xKey, null));
    this.plot = element("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart" });
    this.plot.style.height = `${HEIGHT}px`;
    this.readings.setAttribute("role", "status");
    this.element = element("article", { class: "card" }, element("header", {}, this.head, this.reset, log), this.notes, element("div", { class: "plot-box" }, this.plot, this.line, this.band, this.readings));
    this.listen();
  }

  /** Draws what is to be seen now. */
  draw(): void {
    const { card, board, answer } = this;
    const width = this.plot.clientWidth;
    if (width === 0) return;
    const scene = this.scene();
    const series = answer.series.filter(({ run_id, until }) => (until === undefined ? !scene.hidden.has(run_id) : scene.parts.some(({ run }) => run === run_id)));
    // What is said of values is said of the runs themselves.
    const own = series.filter(({ until }) => until === undefined);
    const summary = summaryOf(card.metrics.join(" + "), own, (run) => runName(scene, run));
    this.plot.setAttribute("aria-label", `${summary}. Arrow keys read values.`);
    this.plot.replaceChildren();
    this.drawn = null;
    this.hideCursor();
    this.reset.hidden = !board.ranges.has(this.xKey);
    if (kindOf(series) !== "line") {
      this.notes.textContent = "";
      this.plot.append(singles(own, (run, metric) => labelOf({ run, metric }, scene, card), scene, card));
      return;
    }
    const asMean = isMean(scene);
    const curves = { ...answer, series, overTime: card.overTime };
    const each = strandsOf(curves, scene.hidden, card.axis === "relative" || card.axis === "wall");
    const strands = asMean ? meanStrands(each, answer.x) : each;
    const range = board.ranges.get(this.xKey);
    const scale = scaleOf(range ? strands.map((strand) => within(strand, answer.x, range)) : strands, { ...card.wish, log: this.log });
    const drawing = arrange(answer.x, strands, scale, oddMarks(series, answer.x.length));
    const inkOf = inkFor(scene, card.metrics);
    const shown = { card, curves, drawing, axis: card.axis, inkOf, lifted: board.lifted, pinned: null, utc: board.utc };
    const picture = pictureOf({ ...shown, scene: { ...scene, forks: board.scene.forks, settings: { ...scene.settings, range: range ?? null } } });
    const plane = planeOf(picture, width, HEIGHT);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}">${plotSvg(picture, plane, COLOURS)}</svg>`;
    this.plot.append(document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true));
    const origin = originNote(series, (run) => runName(scene, run));
    const notes = [...(origin === null ? [] : [origin]), ...notesOf(own, drawing.marks).map(({ text }) => text)];
    this.notes.textContent = [card.xName, ...(asMean ? [runName(scene, "")] : []), ...notes].join(" · ");
    this.drawn = { drawing, plane };
  }

  private get xKey(): string {
    // What is at one step has an x of its own.
    return this.card.overTime ? this.card.id : this.card.xName;
  }

  private scene(): Scene {
    const { runs, hidden, each, forks } = this.board.scene;
    const settings = { x: "", smoothing: 0, range: null, each, origin: true };
    // What is drawn as a run is not drawn again as the origin of another one.
    const own = { series: this.answer.series.filter(({ until }) => until === undefined) };
    const seen = runs.map(({ id }) => id).filter((id) => !hidden.has(id));
    const parts = partsFor(partsOf(seen, forks), this.card.axis, this.card.metrics).filter((part) => !isDrawn(part, own, hidden));
    return { runs, hidden, settings, asked: [], hovered: { value: null } as Scene["hovered"], version: 0, buckets: 0, metrics: [], pins: null, forks: new Map(), parts };
  }

  private listen(): void {
    const { plot, board } = this;
    let from: number | null = null;
    const left = (event: PointerEvent): number => event.clientX - plot.getBoundingClientRect().left;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.drawn === null || event.pointerType === "touch") return;
      from = left(event);
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointermove", (event) => {
      this.point(left(event), event.clientY - plot.getBoundingClientRect().top);
      if (from === null) return;
      const [start, end] = [Math.min(from, left(event)), Math.max(from, left(event))];
      this.band.hidden = end - start < DRAG_PX;
      this.band.style.left = `${start}px`;
      this.band.style.width = `${end - start}px`;
    });
    plot.addEventListener("pointerup", (event) => {
      const start = from;
      from = null;
      this.band.hidden = true;
      if (start === null || this.drawn === null || Math.abs(left(event) - start) < DRAG_PX) return;
      const { plane } = this.drawn;
      const ends = [start, left(event)].map((at) => plane.xAt(Math.max(plane.left, Math.min(plane.right, at)))).sort((one, other) => one - other);
      const [low = 0, high = 0] = ends;
      if (low < high) board.zoom(this.xKey, [low, high]);
    });
    plot.addEventListener("pointerleave", () => {
      this.hideCursor();
      board.lift(null);
    });
    plot.addEventListener("dblclick", () => board.zoom(this.xKey, null));
    plot.addEventListener("blur", () => this.hideCursor());
    plot.addEventListener("keydown", (event) => {
      const by = { ArrowRight: KEY_STEP, ArrowLeft: -KEY_STEP }[event.key];
      if (by === undefined || this.drawn === null) return;
      event.preventDefault();
      const { plane } = this.drawn;
      this.at = Math.max(plane.left, Math.min(plane.right, (this.at ?? (plane.left + plane.right) / 2) + by * (plane.right - plane.left)));
      this.point(this.at, (plane.top + plane.bottom) / 2);
    });
  }

  /** Shows what is read at a place of the drawing. */
  private point(left: number, top: number): void {
    if (this.drawn === null) return;
    const { drawing, plane } = this.drawn;
    if (left < plane.left || left > plane.right) {
      this.hideCursor();
      return;
    }
    const x = plane.xAt(left);
    const found = readingsAt(drawing, x, plane.yAt(top));
    this.line.hidden = false;
    this.line.style.left = `${left}px`;
    this.board.lift(meantRun(found, plane.yAt(top), drawing));
    this.readings.hidden = found.length === 0;
    if (found.length > 0) this.readings.replaceChildren(...this.readingRows(found, x));
    // Where there is more room, and never beyond the chart.
    const { offsetWidth: wide } = this.readings;
    const beside = left < plane.width / 2 ? left + BESIDE : left - BESIDE - wide;
    this.readings.style.left = `${Math.max(0, Math.min(plane.width - wide, beside))}px`;
  }

  private readingRows(found: readonly Reading[], x: number): HTMLElement[] {
    const { card, board } = this;
    const scene = this.scene();
    const inkOf = inkFor(scene, card.metrics);
    const first = found[0];
    const same = found.every((reading) => reading.x === first?.x);
    const rows = found
      .slice(0, MOST)
      .map((reading) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, lineSample(inkOf(reading.run, reading.metric)), element("bdi", {}, labelOf(reading, scene, card))),
          element("td", {}, number(reading.value)),
          element("td", { class: "soft" }, reading.min < reading.max ? `${number(reading.min)}–${number(reading.max)}` : ""),
        ),
      );
    const more = found.length > MOST ? [element("p", { class: "soft" }, `${found.length - MOST} more`)] : [];
    return [element("p", { class: "soft" }, xWords(same && first ? first.x : x, card.axis, board.utc)), element("table", {}, element("tbody", {}, ...rows)), ...more];
  }

  private hideCursor(): void {
    this.line.hidden = true;
    this.readings.hidden = true;
  }

  /** Draws the run that is lifted out, without moving the cursor. */
  relift(): void {
    const [line, readings] = [this.line.hidden, this.readings.hidden];
    this.draw();
    if (this.drawn === null) return;
    this.line.hidden = line;
    this.readings.hidden = readings;
  }
}

/** The part of a line that can be seen: how far the vertical axis goes follows from it. */
function within(strand: Strand, x: readonly number[], [from, to]: readonly [number, number]): Strand {
  const seen = strand.places.map((place) => (x[place] ?? 0) >= from && (x[place] ?? 0) <= to);
  const cut = <Item>(column: readonly Item[]): Item[] => column.filter((_, index) => seen[index]);
  const { smooth, ...rest } = strand;
  return { ...rest, places: cut(strand.places), mean: cut(strand.mean), min: cut(strand.min), max: cut(strand.max), ...(smooth && { smooth: cut(smooth) }) };
}

/** What has one value at most, as a table. */
function singles(series: ReturnType<typeof unslim>["series"], labelled: (run: string, metric: string) => string, scene: Scene, card: ReportCard): HTMLElement {
  const inkOf = inkFor(scene, card.metrics);
  const rows = series.flatMap(({ run_id, metric, last_point: last }) =>
    last
      ? [
          element(
            "tr",
            {},
            element("th", { scope: "row" }, lineSample(inkOf(run_id, metric)), element("bdi", {}, labelled(run_id, metric))),
            element("td", {}, number(last.value)),
            element("td", { class: "soft" }, `step ${whole(last.step)}`),
          ),
        ]
      : [],
  );
  return rows.length === 0 ? element("p", { class: "soft" }, "no values") : element("table", {}, element("tbody", {}, ...rows));
}
