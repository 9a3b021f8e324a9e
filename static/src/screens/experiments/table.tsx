import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Experiment } from "../../api/experiments.ts";
import { useKeys } from "../../frame/keys.ts";
import { counted } from "../../lib/format.ts";
import { Changing } from "../../parts/changing.tsx";
import { change } from "../../state/router.ts";
import { formatSort, nextSort } from "./lines.ts";
import type { Line, Look, Sort, SortKey } from "./lines.ts";
import { ExperimentRow, FolderRow } from "./row.tsx";

/** What somebody can do in the table. */
export interface TableActs {
  star: (id: string) => void;
  /** Opens or closes a folder. */
  toggle: (path: string) => void;
  choose: (ids: ReadonlySet<string>) => void;
  /** Asks for a new name, or shows the description and asks for a new one. */
  edit: (what: "rename" | "describe", experiment: Experiment) => void;
  trash: (experiment: Experiment) => void;
}

/** So many lines are drawn at once; the others on demand. */
const DRAWN = 300;

const COLUMNS: readonly (readonly [key: SortKey, words: string, isFigure: boolean])[] = [
  ["name", "Name", false],
  ["runs", "Runs", true],
  ["running", "Running", true],
  ["failed", "Failed, 7 d", true],
  ["activity", "Last activity", false],
  ["users", "Users", false],
  ["size", "Size", true],
];

/** Experiments and folders of them, line by line. */
export function ExperimentTable({
  lines,
  look,
  chosen,
  acts,
}: {
  lines: readonly Line[];
  look: Look;
  chosen: ReadonlySet<string>;
  acts: TableActs;
}): JSX.Element {
  const [limit, setLimit] = useState(DRAWN);
  const body = useRef<HTMLTableSectionElement>(null);
  const lastChosen = useRef<string>(undefined);
  const next = { name: "Next experiment", run: () => moveFocus(body.current, 1), isLocal: true };
  const previous = { name: "Previous experiment", run: () => moveFocus(body.current, -1), isLocal: true };
  useKeys({
    j: next,
    ArrowDown: next,
    k: previous,
    ArrowUp: previous,
    " ": { name: "Select the experiment", run: () => focusedRow()?.querySelector("input")?.click(), isLocal: true },
  });

  const ids = lines.flatMap((line) => (line.kind === "experiment" ? [line.experiment.experiment_id] : []));
  const choose = (id: string, withRange: boolean): void => {
    const changed = new Set(chosen);
    const from = withRange && lastChosen.current !== undefined ? ids.indexOf(lastChosen.current) : -1;
    const to = ids.indexOf(id);
    const range = from < 0 ? [id] : ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const one of range) if (chosen.has(id)) changed.delete(one); else changed.add(one);
    lastChosen.current = id;
    acts.choose(changed);
  };
  return (
    <div class="panel experiments">
      <table>
        <thead>
          <tr>
            <th scope="col" class="col-pick">
              <span class="unseen">Select</span>
            </th>
            <th scope="col" class="col-pick">
              <span class="unseen">On top</span>
            </th>
            {COLUMNS.map(([key, words, isFigure]) => (
              <Head key={key} name={key} words={words} isFigure={isFigure} sort={look.sort} />
            ))}
            <th scope="col" class="col-note">Description, tags</th>
            <Changing>
              <th scope="col" class="col-pick">
                <span class="unseen">Actions</span>
              </th>
            </Changing>
          </tr>
        </thead>
        <tbody ref={body}>
          {lines.slice(0, limit).map((line) =>
            line.kind === "folder" ? (
              <FolderRow key={line.key} line={line} toggle={acts.toggle} />
            ) : (
              <ExperimentRow
                key={line.key}
                line={line}
                isStarred={look.starred.has(line.experiment.experiment_id)}
                isChosen={chosen.has(line.experiment.experiment_id)}
                choose={choose}
                acts={acts}
              />
            ),
          )}
        </tbody>
      </table>
      {lines.length > limit && (
        <p class="more-lines">
          <button type="button" onClick={() => setLimit(lines.length)}>
            Show {counted(lines.length - limit, "more line", "more lines")}
          </button>
        </p>
      )}
    </div>
  );
}

function Head({ name, words, isFigure, sort }: { name: SortKey; words: string; isFigure: boolean; sort: Sort }): JSX.Element {
  const isSorted = sort.key === name;
  return (
    <th scope="col" class={isFigure ? `figure col-${name}` : `col-${name}`} aria-sort={isSorted ? (sort.descending ? "descending" : "ascending") : undefined}>
      <button type="button" class="sort" onClick={() => change({ sort: formatSort(nextSort(sort, name)) })}>
        {words}
        <span class="sort-sign" aria-hidden="true">
          {isSorted ? (sort.descending ? "↓" : "↑") : ""}
        </span>
      </button>
    </th>
  );
}

function focusedRow(): Element | null {
  return document.activeElement?.closest("tr") ?? null;
}

/** Moves the focus by rows, from name to name. */
function moveFocus(body: HTMLElement | null, by: 1 | -1): void {
  const names = [...(body?.querySelectorAll<HTMLElement>("th .row-name") ?? [])];
  const at = names.findIndex((name) => name.closest("tr") === focusedRow());
  names[at < 0 ? 0 : Math.min(Math.max(at + by, 0), names.length - 1)]?.focus();
}
