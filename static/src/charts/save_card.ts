// A card as a file: what is drawn, as vectors or as a picture.

import type { Series } from "../api/series.ts";
import { savePicture, saveText } from "../lib/download.ts";
import { fileName } from "../lib/file_name.ts";
import { number, whole } from "../lib/format.ts";
import { shareExperiments } from "../state/experiments.ts";
import { inUtc } from "../state/zone.ts";
import type { Drawing } from "./arrange.ts";
import { chartSvg, singlesSvg } from "./card_svg.ts";
import type { Around } from "./card_svg.ts";
import type { Curves } from "./feed.ts";
import { notesOf } from "./notes.ts";
import { palette } from "./palette.ts";
import { pictureOf } from "./picture.ts";
import { inkFor, labelOf } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import { xName } from "./settings.ts";
import type { XKind } from "./ticks.ts";

/** A card as it stands, to be saved. */
export interface Standing {
  card: Card;
  scene: Scene;
  series: readonly Series[];
  /** What is drawn as lines; null where the series have one value at most. */
  line: { curves: Curves; drawing: Drawing; axis: XKind } | null;
  pinned: number | null;
  /** Pixels of the drawing. */
  width: number;
  height: number;
}

/** Narrower than this no title is read. */
const NARROWEST = 420;

export async function saveCard(standing: Standing, kind: "svg" | "png"): Promise<void> {
  const { card, scene } = standing;
  const svg = svgOf(standing);
  const names = new Map((await shareExperiments()).map(({ experiment_id, name }) => [experiment_id, name]));
  const experiments = new Set(scene.runs.map(({ experiment }) => names.get(experiment ?? "") ?? ""));
  const [experiment = ""] = experiments;
  const name = fileName(experiments.size === 1 && experiment !== "" ? [card.id, experiment] : [card.id], kind);
  if (kind === "svg") saveText(name, "image/svg+xml", svg);
  else await savePicture(name, svg);
}

function svgOf({ card, scene, series, line, pinned, width, height }: Standing): string {
  const inkOf = inkFor(scene, card.metrics);
  const { surface, font, ...colours } = palette.peek();
  const around: Around = {
    title: card.metrics.join(" + "),
    notes: notesOf(series, line?.drawing.marks ?? [])
      .map(({ text }) => text)
      .join(" · "),
    xName: line ? xName(scene.settings.x, line.axis) : "",
    names: line ? linesOf(line.drawing).map((one) => ({ name: labelOf(one, scene, card), ink: inkOf(one.run, one.metric) })) : [],
    colours,
    background: surface,
    font,
  };
  const wide = Math.max(NARROWEST, width);
  if (line) return chartSvg(pictureOf({ card, scene, ...line, inkOf, lifted: null, pinned, utc: inUtc() }), wide, height, around);
  const values = series.flatMap(({ run_id: run, metric, last_point: last }) =>
    last ? [{ name: labelOf({ run, metric }, scene, card), ink: inkOf(run, metric), value: Number(last.value), text: `${number(last.value)} at step ${whole(last.step)}` }] : [],
  );
  return singlesSvg(values, wide, around);
}

/** The runs and metrics that have lines, each once. */
function linesOf({ strands }: Drawing): readonly { run: string; metric: string }[] {
  return [...new Map(strands.map(({ run, metric }) => [`${run}\n${metric}`, { run, metric }])).values()];
}
