// What the plots of relations share: what they are made of, choices in the address, colours, words.

import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { inks } from "../../lib/colours.ts";
import { field } from "../../lib/filter.ts";
import { number, whole } from "../../lib/format.ts";
import { splitList } from "../../lib/list.ts";
import { address, runRoute } from "../../state/place.ts";
import type { StateName } from "../../state/place.ts";
import { change, place } from "../../state/router.ts";
import { ramped } from "../palette.ts";
import type { Palette } from "../palette.ts";
import type { Ranked } from "./axes.ts";
import { columnFor } from "./column.ts";
import type { Column } from "./column.ts";
import type { Frame } from "./read.ts";
import { greatest, isWide, least, scaleOf } from "./scale.ts";
import type { Scale } from "./scale.ts";
import type { Shape } from "./shapes.ts";

export interface PlotProps {
  frame: Frame;
  /** What everything is related to. */
  metric: Column;
  /** Params and attributes that differ, the most telling first. */
  ranked: readonly Ranked[];
  /** Names of all metrics. */
  metrics: readonly string[];
  /** The run that is pointed at, here or elsewhere on the screen. */
  hovered: Signal<string | null>;
  /** Adds clauses to the search that the runs are from; without it there is none to add to. */
  demand?: ((clauses: readonly string[]) => void) | undefined;
}

/** As many runs as are told apart by their own colours. */
const OWN_COLOURS = 20;

/** The colour of each run: its own where they are few, else that of its value. */
export function coloursOf({ runs }: Frame, of: Column, palette: Palette): readonly string[] {
  if (runs.length <= OWN_COLOURS) {
    const found = inks(runs.map(({ id }) => id));
    return runs.map(({ id }) => palette.runs[found.get(id)?.hue ?? 0] ?? palette.text);
  }
  return coloursBy(of, scaleOf(of, false, 2), palette);
}

export function coloursBy(of: Column, scale: Scale, palette: Palette): readonly string[] {
  return of.values.map((value) => {
    const at = scale.at(value);
    return Number.isFinite(at) ? ramped(palette, at) : palette.soft;
  });
}

/** The names in a list of the address. */
export function chosenIn(name: StateName): readonly string[] {
  return splitList(place.value.state[name] ?? "");
}

/** Stands before a field in the address whose axis is linear although it would be logarithmic by itself. */
const LINEAR = "!";

/** Whether the axis of a column is logarithmic: as the address says, else where its values span decades. */
export function isLog(column: Column): boolean {
  const chosen = chosenIn("rlog");
  return chosen.includes(column.id) || (isWide(column) && !chosen.includes(LINEAR + column.id));
}

/** The fields of these columns with a logarithmic axis. */
export function logFields(columns: readonly Column[]): ReadonlySet<string> {
  return new Set(columns.filter(isLog).map(({ id }) => id));
}

/** Makes an axis logarithmic, or no more. */
export function setLog(column: Column, log: boolean): void {
  const { id } = column;
  const own = log === isWide(column) ? [] : [log ? id : LINEAR + id];
  change({ rlog: [...chosenIn("rlog").filter((other) => other !== id && other !== LINEAR + id), ...own].join() });
}

export function LogBox({ column }: { column: Column }): JSX.Element | null {
  if (column.kind !== "number" || !column.values.some((value) => value > 0)) return null;
  return (
    <label class="check">
      <input type="checkbox" checked={isLog(column)} onChange={(event) => setLog(column, event.currentTarget.checked)} />
      Log {column.name}
    </label>
  );
}

/** A choice among fields. `none` is the choice of nothing. */
export function FieldSelect({
  label,
  value,
  columns,
  metrics,
  none,
  choose,
}: {
  label: string;
  value: string;
  columns: readonly Column[];
  /** Names of metrics. */
  metrics: readonly string[];
  none?: string;
  choose: (id: string) => void;
}): JSX.Element {
  const ofMetrics = metrics.map((key) => [field("metrics", key), key] as const).filter(([id]) => id !== null);
  const isKnown = value === "" || columns.some(({ id }) => id === value) || ofMetrics.some(([id]) => id === value);
  return (
    <label class="chart-choice">
      {label}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {none !== undefined && <option value="">{none}</option>}
        {!isKnown && <option value={value}>{value}</option>}
        {columns.length > 0 && (
          <optgroup label="Params and attributes">
            {columns.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
        <optgroup label="Metrics">
          {ofMetrics.map(([id, key]) => (
            <option key={id} value={id ?? ""}>
              {key}
            </option>
          ))}
        </optgroup>
      </select>
    </label>
  );
}

/** The run that is pointed at: its name, and what it has of some columns. `byKey` reads it out. */
export function Readout({ frame, columns, hovered, byKey = false }: { frame: Frame; columns: readonly Column[]; hovered: Signal<string | null>; byKey?: boolean }): JSX.Element {
  const at = frame.runs.findIndex(({ id }) => id === hovered.value);
  const run = frame.runs[at];
  return (
    <p class="relation-readout" aria-live={byKey ? "polite" : "off"}>
      {run && (
        <>
          <a href={address(runRoute(run.experiment ?? "", run.id))}>
            <bdi>{run.name}</bdi>
          </a>
          {columns.map((column) => (
            <span key={column.id}>
              {" · "}
              <bdi>{column.name}</bdi> <bdi>{cellText(column, at)}</bdi>
            </span>
          ))}
        </>
      )}
      {/* Its room stays, so that nothing jumps. */}
      {!run && " "}
    </p>
  );
}

/** What a run has of a column, as people read it. */
export function cellText({ id, cells }: Column, at: number): string {
  const cell = cells[at] ?? null;
  if (cell === null) return "not set";
  return id.startsWith("metrics.") ? number(cell) : String(cell);
}

/** `lr 3, width 2` for the columns of which something is counted; "" where nothing is. */
export function countsOf<Item extends { column: Column }>(items: readonly Item[], count: (item: Item) => number): string {
  return items.flatMap((item) => (count(item) > 0 ? [`${item.column.name} ${whole(count(item))}`] : [])).join(", ");
}

/** A bar of colours with the values that they stand for, at the right of a plot. */
export function rampShapes(of: Column, x: number, top: number, bottom: number, palette: Palette): readonly Shape[] {
  const finite = of.values.filter(Number.isFinite);
  if (finite.length === 0) return [];
  const steps = 24;
  const step = (bottom - top) / steps;
  const bars = Array.from({ length: steps }, (_, place): Shape => ({ kind: "path", d: `M${x} ${bottom - (place + 1) * step}h10v${step + 0.5}h-10Z`, fill: ramped(palette, (place + 0.5) / steps) }));
  const text = (y: number, value: number): Shape => ({ kind: "text", x: x + 14, y, text: number(value), fill: palette.text });
  return [...bars, text(top + 9, greatest(finite)), text(bottom, least(finite))];
}

/** What is left of a frame without the runs that are hidden. */
export function framed(frame: Frame, hidden: readonly string[]): Frame {
  const places = frame.runs.flatMap(({ id }, at) => (hidden.includes(id) ? [] : [at]));
  if (places.length === frame.runs.length) return frame;
  const columns = new Map([...frame.columns].map(([id, column]) => [id, columnFor(column, places)]));
  return { ...frame, columns, runs: frame.runs.filter(({ id }) => !hidden.includes(id)) };
}
