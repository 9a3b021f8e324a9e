// A table of any size of which only what can be seen is drawn: its head row and first column stay.

import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { inView } from "./in_view.ts";

/** The lines of a table in one direction: rows or columns. */
export interface Lines {
  keys: readonly string[];
  head: (line: number) => ComponentChildren;
}

export interface MatrixCell {
  content: ComponentChildren;
  /** What it is, for its looks: of the base, changed, best. */
  kind?: string;
  title?: string;
}

/** Heights and widths in pixels; of the first column the widest that it is. The others share the room that there is, between these widths. */
export interface Sizes {
  head: number;
  row: number;
  firstColumn: number;
  column: readonly [least: number, most: number];
}

/** The share of the width that the first column takes at most. */
const FIRST_AT_MOST = 0.4;

interface Box {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** `name` says what the table is; `corner` stands above the first column. */
export function Matrix({
  name,
  corner,
  rows,
  columns,
  cell,
  sizes,
}: {
  name: string;
  corner: ComponentChildren;
  rows: Lines;
  columns: Lines;
  cell: (row: number, column: number) => MatrixCell;
  sizes: Sizes;
}): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState<Box>({ top: 0, left: 0, width: 0, height: 0 });
  const look = (): void => {
    const seen = element.current;
    if (!seen) return;
    // In whole lines: most of scrolling then draws nothing anew.
    const top = seen.scrollTop - (seen.scrollTop % sizes.row);
    const left = seen.scrollLeft - (seen.scrollLeft % sizes.column[0]);
    const next = { top, left, width: seen.clientWidth, height: seen.clientHeight };
    setBox((before) => (isSame(before, next) ? before : next));
  };
  useLayoutEffect(() => {
    look();
    const watch = new ResizeObserver(look);
    if (element.current) watch.observe(element.current);
    return () => watch.disconnect();
  }, []);

  const [least, most] = sizes.column;
  // On a narrow window names give way, so that values can be read beside them.
  const first = Math.min(sizes.firstColumn, Math.floor(box.width * FIRST_AT_MOST) || sizes.firstColumn);
  const share = Math.floor((box.width - first) / Math.max(1, columns.keys.length));
  const width = Math.min(most, Math.max(least, share));
  const down = inView(rows.keys.length, sizes.row, box.top, box.height - sizes.head);
  const across = inView(columns.keys.length, width, box.left, box.width - first);
  const after = (columns.keys.length - across.to) * width;
  const places = Array.from({ length: across.to - across.from }, (_, index) => across.from + index);
  const lines = Array.from({ length: down.to - down.from }, (_, index) => down.from + index);
  return (
    <div class="matrix panel" ref={element} role="region" aria-label={`${name}, table`} tabIndex={0} onScroll={look}>
      <table
        aria-label={name}
        aria-rowcount={rows.keys.length + 1}
        aria-colcount={columns.keys.length + 1}
        style={{ width: `${first + columns.keys.length * width}px` }}
      >
        <colgroup>
          <col style={{ width: `${first}px` }} />
          {across.from > 0 && <col style={{ width: `${across.from * width}px` }} />}
          {places.map((place) => (
            <col key={columns.keys[place]} style={{ width: `${width}px` }} />
          ))}
          {after > 0 && <col style={{ width: `${after}px` }} />}
        </colgroup>
        <thead>
          <tr aria-rowindex={1} style={{ height: `${sizes.head}px` }}>
            <th scope="col" class="matrix-corner" aria-colindex={1}>
              {corner}
            </th>
            {across.from > 0 && <Gap />}
            {places.map((place) => (
              <th scope="col" key={columns.keys[place]} aria-colindex={place + 2}>
                {columns.head(place)}
              </th>
            ))}
            {after > 0 && <Gap />}
          </tr>
        </thead>
        <tbody>
          <Space height={down.from * sizes.row} />
          {lines.map((line) => (
            <tr key={rows.keys[line]} aria-rowindex={line + 2} style={{ height: `${sizes.row}px` }}>
              <th scope="row" aria-colindex={1}>
                {rows.head(line)}
              </th>
              {across.from > 0 && <Gap />}
              {places.map((place) => {
                const { content, kind, title } = cell(line, place);
                return (
                  <td key={columns.keys[place]} aria-colindex={place + 2} data-kind={kind} title={title}>
                    {content}
                  </td>
                );
              })}
              {after > 0 && <Gap />}
            </tr>
          ))}
          <Space height={(rows.keys.length - down.to) * sizes.row} />
        </tbody>
      </table>
    </div>
  );
}

function isSame(one: Box, other: Box): boolean {
  return one.top === other.top && one.left === other.left && one.width === other.width && one.height === other.height;
}

/** Stands for columns that cannot be seen. */
function Gap(): JSX.Element {
  return <td aria-hidden="true" class="matrix-gap" />;
}

/** Stands for rows that cannot be seen. */
function Space({ height }: { height: number }): JSX.Element | null {
  return height > 0 ? <tr aria-hidden="true" style={{ height: `${height}px` }} /> : null;
}
