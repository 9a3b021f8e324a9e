import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { values } from "../../api/runs.ts";
import type { Summary, Values as Answer } from "../../api/runs.ts";
import type { Better } from "../../lib/better.ts";
import { csv } from "../../lib/csv.ts";
import { saveText } from "../../lib/download.ts";
import { number, whole } from "../../lib/format.ts";
import { Icon, Name, Section } from "../../parts/basics.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { betterOf, sayBetter } from "../../state/better.ts";
import { change, place } from "../../state/router.ts";
import { Matrix } from "./matrix.tsx";
import type { MatrixCell } from "./matrix.tsx";
import { wordsOf } from "./run_set.ts";
import { bestOf, commonStep, deltaOf, deltaText, shownOf, verdict, whichOf } from "../../lib/metric_values.ts";
import type { Delta, Shown, Which } from "../../lib/metric_values.ts";
import { runLines } from "./run_head.tsx";
import type { Compared } from "./run_head.tsx";
import { SwapButton, sizes, swapped } from "./swap.tsx";

type Row = Answer["rows"][number];

const BETTER: Readonly<Record<Better, { next: Better; sign: string; words: string }>> = {
  min: { next: "max", sign: "↓", words: "lower is better" },
  max: { next: "none", sign: "↑", words: "higher is better" },
  none: { next: "min", sign: "↕", words: "neither lower nor higher is better" },
};

/** What the metrics of the runs come to (design: 6.4). */
export function Values({ compared }: { compared: Compared }): JSX.Element {
  const { state } = place.value;
  const { which, step } = whichOf(state);
  const delta: Delta = state.delta === "abs" || state.delta === "pct" ? state.delta : "none";
  const filter = state.vq ?? "";
  const { ids, round } = compared;
  // As the curves above: whole trainings, or the runs alone.
  const joined = state.x === "joined";
  const options = { ...(step !== undefined && { step }), ...(joined && { joined }) };
  const asked = useAsk(`${JSON.stringify(options)}|${ids.join()}`, (signal) => values(ids, options, signal));
  useEffect(() => {
    if (round > 0) asked.again();
  }, [round]);
  const answer = asked.answer;
  const places = answer === undefined ? [] : compared.columns.map(({ id }) => answer.run_ids.indexOf(id));
  const rows = answer === undefined ? [] : rowsOf(answer, places, filter);
  return (
    <Section
      title="Values"
      aside={
        <>
          {answer && (
            <p class="hint">
              {whole(rows.length)} metrics{joined && ", of whole trainings"}
            </p>
          )}
          <span class="section-end">
            <input
              type="search"
              aria-label="Filter metrics"
              placeholder="Filter"
              value={filter}
              onInput={(event) => change({ vq: event.currentTarget.value }, "replace")}
            />
            <span class="choice" role="group" aria-label="Which value">
              <button type="button" aria-pressed={which === "last"} onClick={() => change({ val: undefined, at: undefined })}>
                Last
              </button>
              <button type="button" aria-pressed={which === "best"} onClick={() => change({ val: "best", at: undefined })}>
                Best
              </button>
              <button
                type="button"
                aria-pressed={which === "at"}
                disabled={answer === undefined}
                onClick={() => change({ val: undefined, at: String(commonStep(answer?.rows ?? [])) })}
              >
                At step
              </button>
            </span>
            {step !== undefined && (
              <input
                class="step"
                type="number"
                aria-label="Step"
                value={step}
                onInput={(event) => event.currentTarget.value !== "" && change({ at: event.currentTarget.value }, "replace")}
              />
            )}
            <select aria-label="Difference to the base" value={delta} onChange={(event) => change({ delta: chosenDelta(event.currentTarget.value) })}>
              <option value="none">Values only</option>
              <option value="abs">Difference to base</option>
              <option value="pct">Difference in %</option>
            </select>
            <SwapButton />
            <button type="button" disabled={rows.length === 0} onClick={() => saveText("values.csv", "text/csv", table(compared, rows, places, which, delta))}>
              <Icon name="download" /> CSV
            </button>
          </span>
        </>
      }
    >
      <Answered asked={asked} what="The values" lines={8}>
        {(found) =>
          rows.length === 0 ? (
            <Empty title={filter === "" ? "These runs have no metrics." : "No metric has these words."}>
              {filter !== "" && (
                <button type="button" onClick={() => change({ vq: undefined })}>
                  Clear the filter
                </button>
              )}
            </Empty>
          ) : (
            <>
              <ValueTable compared={compared} rows={rows} places={places} which={which} delta={delta} step={step} />
              {found.truncated && <p class="hint">The server tells only the first {whole(found.rows.length)} metrics.</p>}
            </>
          )
        }
      </Answered>
    </Section>
  );
}

/** Metrics that any of the shown runs has, and whose names have all words of the filter; those of the machine come last. */
function rowsOf(answer: Answer, places: readonly number[], filter: string): readonly Row[] {
  const words = wordsOf(filter);
  const found = answer.rows.filter(
    ({ metric, cells }) => places.some((place) => cells[place]) && words.every((word) => metric.toLowerCase().includes(word)),
  );
  const ofSystem = (row: Row): boolean => row.metric.startsWith("system/");
  return [...found.filter((row) => !ofSystem(row)), ...found.filter(ofSystem)];
}

function chosenDelta(value: string): string | undefined {
  return value === "none" ? undefined : value;
}

function ValueTable({
  compared,
  rows,
  places,
  which,
  delta,
  step,
}: {
  compared: Compared;
  rows: readonly Row[];
  places: readonly number[];
  which: Which;
  delta: Delta;
  step: number | undefined;
}): JSX.Element {
  const metrics = {
    keys: rows.map(({ metric }) => metric),
    head: (line: number) => {
      const row = rows[line];
      return row && <MetricHead metric={row.metric} />;
    },
  };
  const cell = (line: number, column: number): MatrixCell => {
    const row = rows[line];
    const summary = row?.cells[places[column] ?? -1];
    if (row === undefined || !summary) return { content: null };
    const better = betterOf(row.metric);
    const all = places.map((place) => shownOf(row.cells[place], which, better));
    const shown = all[column] ?? null;
    const points = `${whole(summary.count)} values${summary.nan > 0 ? `, ${whole(summary.nan)} NaN` : ""}`;
    if (which === "best" && better === "none") return { content: <Range summary={summary} />, title: points };
    if (shown === null) return { content: <i class="not-set">none</i>, title: points };
    const isBest = bestOf(all, better).has(column);
    // Values of other steps are not of the same age.
    const isOdd = which === "at" ? shown.step !== step : which === "last" && all.some((other) => other !== null && other.step !== shown.step);
    const difference = column === 0 ? "" : deltaText(shown, all[0] ?? null, delta);
    return {
      kind: isBest ? "best" : column === 0 ? "base" : "plain",
      title: `${shown.value} at step ${whole(shown.step)}; ${points}`,
      content: (
        <>
          <span class="figure">{number(shown.value)}</span>
          {isBest && <span class="best-mark"> best</span>}
          {difference !== "" && (
            <span class="delta" data-verdict={verdict(shown, all[0] ?? null, better)}>
              {` ${difference}`}
            </span>
          )}
          {isOdd && <span class="hint"> @ {whole(shown.step)}</span>}
          {summary.nan > 0 && <span class="nan-mark"> {whole(summary.nan)} NaN</span>}
        </>
      ),
    };
  };
  const runs = runLines(compared);
  return swapped() ? (
    <Matrix key="by run" name="Values" corner="Run" rows={runs} columns={metrics} cell={(line, column) => cell(column, line)} sizes={sizes()} />
  ) : (
    <Matrix name="Values" key="by name" corner="Metric" rows={metrics} columns={runs} cell={cell} sizes={sizes()} />
  );
}

/** Where neither low nor high is known to be good, all that there was. */
function Range({ summary: { min, max } }: { summary: Summary }): JSX.Element {
  if (min === null || max === null) return <i class="not-set">none</i>;
  return (
    <span class="figure hint">
      {number(min)} to {number(max)}
    </span>
  );
}

/** A metric, and what is better of it: a click says otherwise. */
function MetricHead({ metric }: { metric: string }): JSX.Element {
  const better = BETTER[betterOf(metric)];
  return (
    <span class="key-head">
      <button
        type="button"
        class="quiet better"
        aria-label={`${metric}: ${better.words}`}
        title={`${better.words}; click to change`}
        onClick={() => sayBetter(metric, better.next)}
      >
        {better.sign}
      </button>
      <Name text={metric} />
    </span>
  );
}

/** The values with all their digits and their steps, and the differences that are shown. */
function table({ columns }: Compared, rows: readonly Row[], places: readonly number[], which: Which, delta: Delta): string {
  const told = (place: number): boolean => delta !== "none" && place > 0;
  const head = ["metric", ...columns.flatMap(({ name, id }, place) => [`${name} ${id}`, `step of ${name} ${id}`, ...(told(place) ? [`difference of ${name} ${id}`] : [])])];
  const line = ({ metric, cells }: Row): (string | number | null)[] => {
    const shown: (Shown | null)[] = places.map((place) => shownOf(cells[place], which, betterOf(metric)));
    const base = shown[0] ?? null;
    return [metric, ...shown.flatMap((value, place) => [value?.value ?? null, value?.step ?? null, ...(told(place) ? [deltaOf(value, base, delta)] : [])])];
  };
  return csv([head, ...rows.map(line)]);
}
