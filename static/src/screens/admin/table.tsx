import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { counted } from "../../lib/format.ts";

/** So many lines are drawn at once; the others on demand. */
const DRAWN = 200;

/**
 * A table of one line for each of `lines`, which `children` makes. `heads` are of its columns; `act` says to those who hear it what
 * the buttons in the last one do.
 */
export function Table<Line>({
  name,
  heads,
  act,
  lines,
  children,
}: {
  name: string;
  heads: readonly ComponentChildren[];
  act?: string;
  lines: readonly Line[];
  children: (line: Line) => JSX.Element;
}): JSX.Element {
  const [limit, setLimit] = useState(DRAWN);
  return (
    <>
      <div class="panel scroll" tabIndex={0} role="region" aria-label={name}>
        <table class="tokens">
          <thead>
            <tr>
              {heads.map((head, index) => (
                <th scope="col" key={index}>
                  {head}
                </th>
              ))}
              {act !== undefined && (
                <th scope="col">
                  <span class="unseen">{act}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>{lines.slice(0, limit).map(children)}</tbody>
        </table>
      </div>
      {lines.length > limit && (
        <p>
          <button type="button" onClick={() => setLimit(lines.length)}>
            Show {counted(lines.length - limit, "more line")}
          </button>
        </p>
      )}
    </>
  );
}
