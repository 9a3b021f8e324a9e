import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { diff } from "../../api/runs.ts";
import type { Diff } from "../../api/runs.ts";
import { csv } from "../../lib/csv.ts";
import { keyNote, valueText } from "../../lib/diff_text.ts";
import { saveText } from "../../lib/download.ts";
import { whole } from "../../lib/format.ts";
import { Icon, Name, Section, Status } from "../../parts/basics.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { change, place } from "../../state/router.ts";
import { inUtc } from "../../state/zone.ts";
import { differ, isCut, isLong, rowsShown } from "./difference_rows.ts";
import type { DiffRow, DiffValue } from "./difference_rows.ts";
import { Matrix } from "./matrix.tsx";
import type { MatrixCell } from "./matrix.tsx";
import { runLines } from "./run_head.tsx";
import type { Compared } from "./run_head.tsx";
import { SwapButton, sizes, swapped } from "./swap.tsx";
import { Words } from "./words.tsx";
import type { Looked } from "./words.tsx";

/** What differs among the runs: params, tags and attributes (design: 6.4). */
export function Differences({ compared }: { compared: Compared }): JSX.Element {
  const { state } = place.value;
  const all = state.all === "1";
  const filter = state.q ?? "";
  const { ids, round } = compared;
  const asked = useAsk(`${all}|${ids.join()}`, (signal) => diff(ids, all, undefined, signal));
  useEffect(() => {
    if (round > 0) asked.again();
  }, [round]);
  const answer = asked.answer;
  const places = answer === undefined ? [] : compared.columns.map(({ id }) => answer.run_ids.indexOf(id));
  const rows = answer === undefined ? [] : rowsShown(answer.rows, places, all, filter, inUtc());
  return (
    <Section
      title="What differs"
      arrival={state.tab === "differs" && answer !== undefined}
      aside={
        <>
          {answer && <Totals answer={answer} />}
          <span class="section-end">
            <input
              type="search"
              aria-label="Filter what differs"
              placeholder="Filter"
              value={filter}
              onInput={(event) => change({ q: event.currentTarget.value }, "replace")}
            />
            <span class="choice">
              <button type="button" aria-pressed={!all} onClick={() => change({ all: undefined })}>
                Differing
              </button>
              <button type="button" aria-pressed={all} onClick={() => change({ all: "1" })}>
                All
              </button>
            </span>
            <SwapButton />
            <button type="button" disabled={rows.length === 0} onClick={() => saveText("differences.csv", "text/csv", table(compared, rows, places))}>
              <Icon name="download" /> CSV
            </button>
          </span>
        </>
      }
    >
      <Answered asked={asked} what="What differs" lines={8}>
        {(found) =>
          rows.length === 0 ? (
            <Empty title={filter === "" ? "These runs do not differ in attributes, params or tags." : "Nothing has these words."}>
              {filter !== "" && (
                <button type="button" onClick={() => change({ q: undefined })}>
                  Clear the filter
                </button>
              )}
            </Empty>
          ) : (
            <>
              <DifferenceTable compared={compared} rows={rows} places={places} />
              {found.truncated && <p class="hint">The server tells only the first {whole(found.rows.length)} rows.</p>}
            </>
          )
        }
      </Answered>
    </Section>
  );
}

function Totals({ answer: { totals, differing } }: { answer: Diff }): JSX.Element {
  return (
    <p class="hint">
      {whole(differing.param)} of {whole(totals.param)} params, {whole(differing.tag)} of {whole(totals.tag)} tags, {whole(differing.attribute)} of{" "}
      {whole(totals.attribute)} attributes differ
    </p>
  );
}

/** `places` are those of the columns in the values of a row; the first is that of the base. */
function DifferenceTable({ compared, rows, places }: { compared: Compared; rows: readonly DiffRow[]; places: readonly number[] }): JSX.Element {
  const [looked, look] = useState<Looked | null>(null);
  const keys = {
    keys: rows.map(({ kind, key }) => `${kind}.${key}`),
    head: (line: number) => {
      const row = rows[line];
      return row && <KeyHead row={row} />;
    },
  };
  const cell = (line: number, column: number): MatrixCell => {
    const row = rows[line];
    const run = compared.columns[column];
    const base = compared.columns[0];
    if (row === undefined || run === undefined || base === undefined) return { content: null };
    const value = row.values[places[column] ?? -1] ?? null;
    const baseValue = row.values[places[0] ?? -1] ?? null;
    const changed = column > 0 && differ(value, baseValue);
    const text = valueText(row, value, inUtc());
    const open = (): void => {
      const beside = column > 0 && baseValue !== null ? { run: base.name, value: valueText(row, baseValue, inUtc()) } : null;
      look({ key: row.key, run: run.name, value: text, base: beside });
    };
    const isButton = isLong(value) || (changed && value !== null && isLong(baseValue));
    return {
      kind: column === 0 ? "base" : changed ? "changed" : "same",
      title: isButton ? `${text.slice(0, 500)}${isCut(value) || text.length > 500 ? " …" : ""}` : text,
      content: (
        <>
          {changed && <span class="changed-mark">≠ </span>}
          {isButton ? (
            <button type="button" class="value-button" onClick={open}>
              {text.slice(0, 120)}
            </button>
          ) : (
            <Value row={row} value={value} text={text} />
          )}
        </>
      ),
    };
  };
  const runs = runLines(compared);
  return (
    <>
      {swapped() ? (
        <Matrix key="by run" name="What differs" corner="Run" rows={runs} columns={keys} cell={(line, column) => cell(column, line)} sizes={sizes()} />
      ) : (
        <Matrix name="What differs" key="by name" corner="Name" rows={keys} columns={runs} cell={cell} sizes={sizes()} />
      )}
      {looked && <Words looked={looked} close={() => look(null)} />}
    </>
  );
}

function KeyHead({ row }: { row: DiffRow }): JSX.Element {
  const { kind, key } = row;
  const note = keyNote(row, place.value.state.x === "joined");
  return (
    <span class="key-head">
      <span class="key-kind">{kind}</span>
      <Name text={key} tail={10} />
      {note !== "" && <span class="hint">{note}</span>}
    </span>
  );
}

function Value({ row, value, text }: { row: DiffRow; value: DiffValue; text: string }): JSX.Element {
  if (value === null) return <i class="not-set">{text}</i>;
  if (row.kind === "attribute" && row.key === "status") return <Status status={text} />;
  return <bdi>{text}</bdi>;
}

function table({ columns }: Compared, rows: readonly DiffRow[], places: readonly number[]): string {
  const head = ["kind", "name", ...columns.map(({ name, id }) => `${name} ${id}`)];
  return csv([head, ...rows.map(({ kind, key, values }) => [kind, key, ...places.map((place) => values[place] ?? null)])]);
}
