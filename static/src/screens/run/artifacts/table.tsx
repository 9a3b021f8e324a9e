import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { count, whole } from "../../../lib/format.ts";
import { COLUMN_LIMIT, TableText, columnsOf, shownCell } from "../../../lib/table_text.ts";
import type { Column } from "../../../lib/table_text.ts";
import { Lines } from "../../../parts/lines.tsx";
import { Skeleton, Trouble } from "../../../parts/states.tsx";
import { FileFrame } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";
import { Binary, Parts } from "./text.tsx";
import { useText } from "./text_source.ts";
import { FIRST_BYTES } from "./whole.ts";

/** Height of a row, pixels; `artifacts.css` has it too. */
const ROW_HEIGHT = 26;
/** As many columns are drawn, and as many more with each wish. */
const COLUMNS = 50;
/** Rows that tell how wide a column is and what it holds. */
const SAMPLE = 200;
/** As much of a table is held at once, bytes: its cells take several times as much. */
const MOST_BYTES = 8 * FIRST_BYTES;

const COMMA = { reader: () => new TableText(""), most: MOST_BYTES };
const TAB = { reader: () => new TableText("\t"), most: MOST_BYTES };

/** A CSV or TSV file as a table, of any size. */
export function TableView({ shown, tools }: { shown: Shown; tools: ComponentChildren }): JSX.Element {
  const text = useText(shown, /\.tsv$/i.test(shown.path) ? TAB : COMMA);
  const { lines: rows, to, size, full, waiting } = text;
  const [most, setMost] = useState(COLUMNS);
  // The first rows stay as they are, so that columns do not jump when more rows come.
  const sample = rows.slice(0, SAMPLE);
  const columns = useMemo(() => columnsOf(sample, Infinity), [sample.length, shown.path]);
  const drawn = columns.slice(0, most);
  const grid = `64px ${drawn.map(({ width }) => `calc(${width}ch + 24px)`).join(" ")}`;
  const more = to < size;
  return (
    <FileFrame shown={shown} tools={tools}>
      {text.failure && <Trouble what="The file" failure={text.failure} retry={text.retry} />}
      {text.binary ? (
        <Binary />
      ) : rows.length === 0 ? (
        waiting && <Skeleton name="the file" />
      ) : (
        <div class="artifact-body table">
          <Lines
            name="Table"
            count={rows.length - 1}
            height={ROW_HEIGHT}
            columns={columns.length}
            head={<Row place={0} row={rows[0] ?? []} columns={drawn} grid={grid} />}
            scrolled={(atEnd) => atEnd && more && !full && !waiting && to > 0 && text.failure === undefined && text.more()}
          >
            {(place) => <Row key={place} place={place + 1} row={rows[place + 1] ?? []} columns={drawn} grid={grid} />}
          </Lines>
        </div>
      )}
      {rows.length > 0 && (
        <div class="artifact-parts">
          <span class="hint">
            {whole(rows.length - 1)} rows{more ? " so far" : ""}, {count(columns.length, columns.length >= COLUMN_LIMIT)} columns
          </span>
          {columns.length > most && (
            <button type="button" onClick={() => setMost(most + COLUMNS)}>
              Show {whole(Math.min(COLUMNS, columns.length - most))} more of {whole(columns.length)} columns
            </button>
          )}
        </div>
      )}
      {!text.binary && <Parts text={text} />}
    </FileFrame>
  );
}

/** A row of the table; the one at 0 is the head. */
function Row({ place, row, columns, grid }: { place: number; row: readonly string[]; columns: readonly Column[]; grid: string }): JSX.Element {
  return (
    <div class={place === 0 ? "table-row table-head" : "table-row"} role="row" aria-rowindex={place + 1} style={{ gridTemplateColumns: grid }}>
      <span class="line-number" role={place === 0 ? "columnheader" : "rowheader"}>
        {place === 0 ? <span class="unseen">Row</span> : place}
      </span>
      {columns.map(({ numeric }, column) => {
        // Rows may be longer than the head, and a column needs a name.
        const text = shownCell(row[column] ?? "") || (place === 0 ? `column ${column + 1}` : "");
        return (
          <span key={column} class={numeric ? "figure" : undefined} role={place === 0 ? "columnheader" : "cell"} title={text}>
            <bdi>{text}</bdi>
          </span>
        );
      })}
    </div>
  );
}
