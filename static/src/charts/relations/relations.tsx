// How params and metrics of runs go together (design: 6.4): parallel coordinates, scatter, box, contour.

import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { listKeys } from "../../api/runs.ts";
import type { RunSearch } from "../../api/runs.ts";
import { field } from "../../lib/filter.ts";
import { counted, whole } from "../../lib/format.ts";
import { Answered, Empty, Skeleton } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { useChanges } from "../../state/live.ts";
import { change, place } from "../../state/router.ts";
import { pinsOf } from "../pins.ts";
import { principalMetrics } from "../principal.ts";
import { MOST_AXES, rankedColumns, tellingAxes } from "./axes.ts";
import type { Ranked } from "./axes.ts";
import { AxisChoice } from "./axis_choice.tsx";
import { Box } from "./box.tsx";
import { readBrushes } from "./brush.ts";
import { columnOf } from "./column.ts";
import type { Column } from "./column.ts";
import { FieldSelect, LogBox, chosenIn, framed } from "./common.tsx";
import type { PlotProps } from "./common.tsx";
import { Contour } from "./contour.tsx";
import { groupRefusal } from "./groups.ts";
import { Parallel } from "./parallel.tsx";
import { Reader } from "./read.ts";
import type { Frame } from "./read.ts";
import { Scatter } from "./scatter.tsx";
import { relationOf } from "./statistics.ts";

const PLOTS = [
  ["parallel", "Parallel"],
  ["scatter", "Scatter"],
  ["box", "Box"],
  ["contour", "Contour"],
] as const;
type Plot = (typeof PLOTS)[number][0];

export interface RelationsProps {
  /** Which runs. */
  search: RunSearch;
  /** Whether these were chosen one by one. */
  isSet: boolean;
  /** The ids of runs that are left out. */
  hidden: readonly string[];
  /** The run that is pointed at, here or elsewhere on the screen. */
  hovered: Signal<string | null>;
  /** Adds clauses to the search; without it there is none that one could add to. */
  demand?: ((clauses: readonly string[]) => void) | undefined;
}

/** What the address says where points have no colour of a value. */
const NO_COLOUR = "none";
/** As many names of metrics as the server tells at once. */
const MOST_METRICS = 1_000;
/** Of more runs nothing is read again by itself. */
const FEW_RUNS = 100;

export function Relations({ search, isSet, hidden, hovered, demand }: RelationsProps): JSX.Element {
  const { state } = place.value;
  const plot = PLOTS.find(([name]) => name === state.rel)?.[0] ?? "parallel";
  const experiments = search.experiment_ids;
  const [version, setVersion] = useState(0);
  const [isOld, setOld] = useState(false);
  const key = JSON.stringify([search, version]);
  const reader = useMemo(() => new Reader(search, isSet), [key]);
  const names = useAsk(`metrics of ${experiments.join()}`, (signal) => listKeys("metric", experiments, "", MOST_METRICS, signal));
  const metrics = useMemo(() => (names.answer ?? []).filter(({ key }) => field("metrics", key) !== null), [names.answer]);
  const metric = state.rm ?? principalMetrics(metrics, pinsOf(experiments).pinned)[0] ?? "";
  const target = metric === "" ? null : field("metrics", metric);
  // Where no param is a number, another metric is what a scatter shows first.
  const second = otherMetric(metrics.map(({ key }) => key), target);
  const needed = [target, second, state.rx, state.ry, state.rc, state.rg].filter(isField);
  const wanted = [...new Set([...needed, ...[...chosenIn("axes"), ...readBrushes(state.brush).keys()].filter(isField)])];
  const asked = useAsk(names.answer === undefined ? null : `${key} ${wanted.join()}`, (signal) => reader.read(wanted, signal));
  const found = asked.answer;
  const frame = useMemo(() => found && framed(found, hidden), [found, hidden.join()]);

  const again = (): void => {
    setOld(false);
    setVersion(version + 1);
  };
  useChanges(experiments, ({ reset, runs }) => {
    const ours = reset || runs.some(({ run_id }) => !isSet || found === undefined || found.runs.some(({ id }) => id === run_id));
    if (!ours) return;
    // What is on its way is not asked for anew with every change.
    if (found !== undefined && found.runs.length <= FEW_RUNS) again();
    else setOld(true);
  });
  const head = (
    <>
      <span class="choice" role="group" aria-label="Kind of plot">
        {PLOTS.map(([name, words]) => (
          <button type="button" key={name} aria-pressed={name === plot} onClick={() => change({ rel: name === "parallel" ? undefined : name })}>
            {words}
          </button>
        ))}
      </span>
      {metrics.length > 0 && (plot === "parallel" || plot === "box") && (
        <label class="chart-choice">
          Metric
          <select value={metric} onChange={(event) => change({ rm: event.currentTarget.value })}>
            {[...new Set([metric, ...metrics.map(({ key }) => key)])].map((key) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </label>
      )}
    </>
  );
  // An axis that is added may come later; what else is missing would be taken for something that no run has.
  const isRead = needed.every((id) => frame?.columns.has(id));
  return (
    <div class="related-plots">
      {!frame && <div class="chart-controls">{head}</div>}
      <Answered asked={names} what="The metrics" lines={8}>
        {() => (
          <Answered asked={asked} what="The relations" lines={8}>
            {({ runs, total }) => (
              <>
                {frame && <Plotted head={head} plot={plot} frame={frame} isRead={isRead} metric={target} metrics={metrics.map(({ key }) => key)} hovered={hovered} demand={demand} />}
                {total > runs.length && (
                  <p class="hint">
                    The first {counted(runs.length, "run")} of {whole(total)} are drawn.
                  </p>
                )}
                {isOld && (
                  <p role="status">
                    These runs have changed.{" "}
                    <button type="button" onClick={again}>
                      Read them again
                    </button>
                  </p>
                )}
              </>
            )}
          </Answered>
        )}
      </Answered>
    </div>
  );
}

/** The plot that was chosen, with the choices that it has beside those that all have. */
function Plotted({
  head,
  plot,
  frame,
  isRead,
  metric: target,
  metrics,
  hovered,
  demand,
}: { head: JSX.Element; plot: Plot; isRead: boolean; metric: string | null } & Omit<PlotProps, "ranked" | "metric">): JSX.Element {
  const { state } = place.value;
  const metric = useMemo(() => columnIn(frame, target ?? ""), [frame, target]);
  const ranked = useMemo(() => rankedColumns([...frame.columns.values()].filter(({ id }) => !id.startsWith("metrics.")), metric), [frame, metric]);
  const props: PlotProps = { frame, metric, ranked, metrics, hovered, demand };
  const own = chosenIn("axes");
  const shown = useMemo(() => (own.length > 0 ? ownAxes(frame, metric, ranked, own) : tellingAxes(ranked)).slice(0, MOST_AXES - 1), [frame, metric, ranked, state.axes]);
  const under = (choices: JSX.Element | null, drawn: JSX.Element): JSX.Element => (
    <>
      <div class="chart-controls">
        {head}
        {choices}
      </div>
      {isRead ? drawn : <Skeleton name="the relations" lines={8} />}
    </>
  );
  const empty = (title: string): JSX.Element => under(null, <Empty title={title} />);
  if (frame.runs.length < 2) return empty(frame.runs.length === 0 ? "No run is drawn." : "One run has no relations: it takes at least two.");
  if (target === null) return empty("These runs have no metrics.");

  if (plot === "parallel") {
    const ids = own.length > 0 ? own : shown.map(({ column }) => column.id);
    return under(
      <AxisChoice {...props} ids={ids} isOwn={own.length > 0} />,
      shown.length > 0 ? <Parallel {...props} shown={shown} /> : <Empty title="These runs do not differ in params, user or status. Other metrics can be axes too: choose them above." />,
    );
  }
  const numbers = ranked.map(({ column }) => column).filter(({ kind }) => kind === "number");
  if (plot === "box") {
    if (ranked.length === 0 && state.rg === undefined) return empty("These runs do not differ in params, user or status.");
    const by = columnIn(frame, state.rg ?? (ranked.find(({ column }) => groupRefusal(column) === null) ?? ranked[0])?.column.id ?? "");
    return under(
      <>
        <FieldSelect label="By" value={by.id} columns={ranked.map(({ column }) => column)} metrics={[]} choose={(id) => change({ rg: id })} />
        <LogBox column={metric} />
      </>,
      <Box {...props} by={by} />,
    );
  }
  const isContour = plot === "contour";
  const x = columnIn(frame, state.rx ?? numbers[0]?.id ?? otherMetric(metrics, metric.id) ?? metric.id);
  const y = columnIn(frame, state.ry ?? numbers.find(({ id }) => id !== x.id)?.id ?? metric.id);
  const byItself = isContour || ![x, y].includes(metric) ? metric : null;
  const colour = state.rc === undefined ? byItself : state.rc === NO_COLOUR ? (isContour ? metric : null) : columnIn(frame, state.rc);
  const select = (label: string, name: "rx" | "ry" | "rc", value: string, none?: string): JSX.Element => (
    <FieldSelect label={label} value={value} columns={numbers} metrics={metrics} choose={(id) => change({ [name]: id === "" ? NO_COLOUR : id })} {...(none !== undefined && { none })} />
  );
  return under(
    <>
      {select("x", "rx", x.id)}
      {select("y", "ry", y.id)}
      {isContour ? select("Height", "rc", colour?.id ?? "") : select("Colour", "rc", colour?.id ?? "", "none")}
      <LogBox column={x} />
      <LogBox column={y} />
    </>,
    isContour && colour ? <Contour {...props} x={x} y={y} colour={colour} /> : <Scatter {...props} x={x} y={y} colour={colour} />,
  );
}

/** Axes that somebody chose, in their order, whether or not they differ. */
function ownAxes(frame: Frame, metric: Column, ranked: readonly Ranked[], ids: readonly string[]): readonly Ranked[] {
  return ids.flatMap((id) => {
    const column = frame.columns.get(id);
    if (column === undefined || id === metric.id) return [];
    return [ranked.find((one) => one.column === column) ?? { column, relation: relationOf(column, metric), twins: [] }];
  });
}

function columnIn(frame: Frame, id: string): Column {
  return frame.columns.get(id) ?? columnOf(id, frame.runs.map(() => null));
}

function otherMetric(metrics: readonly string[], metric: string | null): string | undefined {
  return metrics.flatMap((key) => field("metrics", key) ?? []).find((id) => id !== metric);
}

/** Whether a text of the address can be a field; the server refuses a table with any other. */
function isField(id: string | null | undefined): id is string {
  return /^(metrics|params)\.(?:[\p{Alphabetic}\p{N}_\-./:]+|"[^"]+"|`[^`]+`)$|^attributes\.(user_id|status)$/u.test(id ?? "");
}
