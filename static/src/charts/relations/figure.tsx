// What all plots of relations have around them: a head with what can be done, remarks, and the drawing with its summary.

import { h } from "preact";
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Cell } from "../../api/runs.ts";
import { csv } from "../../lib/csv.ts";
import { savePicture, saveText } from "../../lib/download.ts";
import { fileName } from "../../lib/file_name.ts";
import { number, whole } from "../../lib/format.ts";
import { Icon, Name } from "../../parts/basics.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Menu, MenuItem } from "../../parts/menu.tsx";
import { attempt } from "../../parts/notice.tsx";
import { palette } from "../palette.ts";
import { elementOf, toSvg } from "./shapes.ts";
import type { Picture, Shape } from "./shapes.ts";

/** What a plot shows, in words and numbers. */
export interface Table {
  title: string;
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** Rows that a window shows; files have all. */
const MOST_ROWS = 200;

/**
 * A plot. `name` says which, for files too; `tables` is what it shows as text, the last of them as CSV; `picture` makes what
 * a file of it has.
 */
export function Figure({
  name,
  notes,
  tables,
  picture,
  children,
}: {
  name: string;
  notes: readonly string[];
  tables: () => readonly Table[];
  picture: () => Picture;
  children: ComponentChildren;
}): JSX.Element {
  const [asTable, show] = useState(false);
  const file = (kind: string): string => fileName([name], kind);
  const svg = (): string => toSvg(picture(), palette.value.surface, palette.value.font);
  const saveCsv = (): void => {
    const table = tables().at(-1);
    if (table) saveText(file("csv"), "text/csv", csv([table.head, ...table.rows]));
  };
  const savePng = (): void => void attempt("The picture", () => savePicture(file("png"), svg()));
  return (
    <figure class="relation" aria-label={name}>
      <header class="card-head">
        <h3>
          <Name text={name} tail={20} />
        </h3>
        <Menu label={<Icon name="menu" />} name={`What can be done with ${name}`} quiet align="end">
          {(close) => (
            <>
              <MenuItem close={close} act={() => show(true)}>
                As table
              </MenuItem>
              <MenuItem close={close} act={savePng}>
                Picture (PNG)
              </MenuItem>
              <MenuItem close={close} act={() => saveText(file("svg"), "image/svg+xml", svg())}>
                Vectors (SVG)
              </MenuItem>
              <MenuItem close={close} act={saveCsv}>
                All values as CSV
              </MenuItem>
            </>
          )}
        </Menu>
      </header>
      {children}
      {notes.length > 0 && (
        <ul class="relation-notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {asTable && (
        <Dialog title={name} close={() => show(false)} wide>
          {tables().map((table) => (
            <TableView key={table.title} table={table} />
          ))}
          <p>
            <button type="button" onClick={saveCsv}>
              <Icon name="download" /> CSV
            </button>
          </p>
        </Dialog>
      )}
    </figure>
  );
}

function TableView({ table: { title, head, rows } }: { table: Table }): JSX.Element {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table aria-label={title}>
          <thead>
            <tr>
              {head.map((text, column) => (
                <th scope="col" key={column}>
                  <Name text={text} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map(([first = null, ...cells], place) => (
              <tr key={place}>
                <th scope="row">
                  <Name text={told(first)} />
                </th>
                {cells.map((cell, column) => (
                  <td key={column}>{typeof cell === "string" ? <Name text={cell} /> : told(cell)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > MOST_ROWS && (
        <p class="hint">
          The first {MOST_ROWS} of {whole(rows.length)}; all are in the CSV.
        </p>
      )}
    </>
  );
}

function told(cell: Cell): string {
  return cell === null ? "" : typeof cell === "number" ? number(cell) : cell;
}

/** Shapes as a part of the page. `summary` says what they show; without it they are an ornament of something that has one. */
export function Drawn({ width, height, shapes, summary, children }: { width: number; height: number; shapes: readonly Shape[]; summary?: string; children?: ComponentChildren }): JSX.Element {
  return (
    <svg class="relation-svg" viewBox={`0 0 ${width} ${height}`} width={width} height={height} {...(summary === undefined ? { "aria-hidden": "true" } : { role: "img", "aria-label": summary })}>
      {shapes.map((shape, place) => {
        const { tag, attributes, text } = elementOf(shape);
        return h(tag, { key: place, ...attributes }, text);
      })}
      {children}
    </svg>
  );
}

/** What a figure has at both sides of its drawing, pixels. */
export const FIGURE_EDGES = 26;

/** The width of a box in whole pixels without what its `edges` take, from its first layout on; `least` where it is narrower. */
export function useWidth(least: number, edges = 0): readonly [box: RefObject<HTMLDivElement | null>, width: number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => setWidth(Math.floor(element.clientWidth) - edges);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return [box, Math.max(least, width)];
}

/** `a, b and 3 more`: the names of some runs. */
export function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${whole(names.length - 3)} more` : shown;
}
