// Which columns the table has: all that there are, as a tree.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listKeys } from "../../api/runs.ts";
import type { Key, KeyKind } from "../../api/runs.ts";
import { counted, number } from "../../lib/format.ts";
import { Icon } from "../../parts/basics.tsx";
import { focused } from "../../parts/focus.ts";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { OWN_COLUMNS, keyed, moved, own, titleOf } from "./columns.ts";
import type { Column } from "./columns.ts";
import { branchesOf, found, partsOf } from "./key_tree.ts";
import type { Branch, Choice } from "./key_tree.ts";
import { KEY_LIMIT } from "./keys.ts";

const KINDS: readonly (readonly [KeyKind, string])[] = [
  ["metric", "Metrics"],
  ["param", "Params"],
  ["tag", "Tags"],
];

export interface ChooserProps {
  experiments: readonly string[];
  columns: readonly Column[];
  choose: (columns: readonly Column[]) => void;
  /** Back to what the table has by itself. */
  reset: () => void;
}

export function Chooser({ experiments, columns, choose, reset }: ChooserProps): JSX.Element {
  const [search, setSearch] = useState("");
  const [onlyDiffering, setOnlyDiffering] = useState(false);
  const chosen = new Set(columns.map(({ id }) => id));
  const set = (some: readonly Column[], wanted: boolean): void => {
    const ids = new Set(some.map(({ id }) => id));
    const rest = columns.filter(({ id }) => !ids.has(id));
    choose(wanted ? [...columns, ...some.filter(({ id }) => !chosen.has(id))] : rest);
  };
  const ours = OWN_COLUMNS.filter((name) => name !== "name").map((name) => asChoice(own(name), [titleOf(own(name))]));
  return (
    <div class="chooser">
      <div class="chooser-head">
        <input type="search" ref={focused} aria-label="Search columns" placeholder="Search columns" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <label class="check">
          <input type="checkbox" checked={onlyDiffering} onChange={(event) => setOnlyDiffering(event.currentTarget.checked)} />
          Differs only
        </label>
        <button type="button" onClick={reset}>
          Default columns
        </button>
      </div>
      <Shown columns={columns} choose={choose} />
      <div class="chooser-tree">
        <Part title="General" choices={found(ours, search, onlyDiffering)} searching={search !== ""} chosen={chosen} set={set} />
        {KINDS.map(([kind, title]) => (
          <KeyPart key={kind} kind={kind} title={title} experiments={experiments} search={search} onlyDiffering={onlyDiffering} chosen={chosen} set={set} />
        ))}
      </div>
    </div>
  );
}

type Set_ = (columns: readonly Column[], wanted: boolean) => void;

/** The columns that are there, in their order; each can be moved and taken away. */
function Shown({ columns, choose }: { columns: readonly Column[]; choose: (columns: readonly Column[]) => void }): JSX.Element {
  const move = (button: HTMLElement, column: Column, by: number): void => {
    choose(moved(columns, column.id, by));
    // Its place in the page changes, and with that the browser takes the focus from it.
    requestAnimationFrame(() => button.focus());
  };
  const remove = (button: HTMLElement, column: Column): void => {
    const item = button.closest("li");
    const next = item?.nextElementSibling ?? item?.previousElementSibling;
    next?.querySelector<HTMLElement>("button:last-child")?.focus();
    choose(columns.filter((other) => other !== column));
  };
  return (
    <ol class="chooser-shown" aria-label="Columns that are shown">
      {columns.slice(1).map((column, index) => (
        <li key={column.id}>
          <bdi title={column.key}>{titleOf(column)}</bdi>
          <button type="button" class="quiet" aria-label={`Move ${titleOf(column)} left`} disabled={index === 0} onClick={(event) => move(event.currentTarget, column, -1)}>
            <Icon name="left" />
          </button>
          <button
            type="button"
            class="quiet"
            aria-label={`Move ${titleOf(column)} right`}
            disabled={index === columns.length - 2}
            onClick={(event) => move(event.currentTarget, column, 1)}
          >
            <Icon name="right" />
          </button>
          <button type="button" class="quiet" aria-label={`Remove ${titleOf(column)}`} onClick={(event) => remove(event.currentTarget, column)}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ol>
  );
}

function KeyPart({
  kind,
  title,
  experiments,
  search,
  onlyDiffering,
  chosen,
  set,
}: {
  kind: KeyKind;
  title: string;
  experiments: readonly string[];
  search: string;
  onlyDiffering: boolean;
  chosen: ReadonlySet<string>;
  set: Set_;
}): JSX.Element {
  const asked = useAsk(`${kind} ${experiments.join()}`, (signal) => listKeys(kind, experiments, "", KEY_LIMIT, signal));
  return (
    <Answered asked={asked} what={`The ${title.toLowerCase()}`} lines={2}>
      {(keys) => {
        const choices = keys.flatMap((key) => {
          const column = keyed(kind, key.key);
          return column === null ? [] : [{ column, parts: partsOf(key.key), differs: key.differs, about: about(key) }];
        });
        return <Part title={title} choices={found(choices, search, onlyDiffering)} searching={search !== ""} chosen={chosen} set={set} more={keys.length === KEY_LIMIT} />;
      }}
    </Answered>
  );
}

function Part({
  title,
  choices,
  searching,
  chosen,
  set,
  more = false,
}: {
  title: string;
  choices: readonly Choice[];
  searching: boolean;
  chosen: ReadonlySet<string>;
  set: Set_;
  more?: boolean;
}): JSX.Element | null {
  if (choices.length === 0) return null;
  return (
    <section class="chooser-part" aria-label={title}>
      <h2>
        {title} <span class="hint">{choices.length}{more ? " and more" : ""}</span>
      </h2>
      <Branches branches={branchesOf(choices)} searching={searching} chosen={chosen} set={set} />
    </section>
  );
}

/** Values of a name that are told. */
const FEW_VALUES = 3;
/** As many as are shown open without being asked for: a search should show what it found. */
const FEW = 30;

function Branches({ branches, searching, chosen, set }: { branches: readonly Branch[]; searching: boolean; chosen: ReadonlySet<string>; set: Set_ }): JSX.Element {
  const few = branches.reduce((sum, { choices }) => sum + choices.length, 0) <= FEW;
  return (
    <ul>
      {branches.map((branch) => (
        <li key={branch.path}>
          {branch.choice && <Pick choice={branch.choice} name={branch.name} chosen={chosen} set={set} />}
          {branch.branches.length > 0 && <Group branch={branch} startOpen={searching && few} searching={searching} chosen={chosen} set={set} />}
        </li>
      ))}
    </ul>
  );
}

/** Names that begin alike. What is closed is not made. */
function Group({ branch, startOpen, searching, chosen, set }: { branch: Branch; startOpen: boolean; searching: boolean; chosen: ReadonlySet<string>; set: Set_ }): JSX.Element {
  const [choice, setChoice] = useState<boolean>();
  const open = choice ?? startOpen;
  const columns = branch.choices.map(({ column }) => column);
  const all = columns.every(({ id }) => chosen.has(id));
  return (
    <>
      <div class="chooser-group">
        <button type="button" class="quiet" aria-expanded={open} onClick={() => setChoice(!open)}>
          <Icon name={open ? "down" : "right"} />
          <bdi>{branch.name}</bdi>
          <span class="hint">{branch.choices.length}</span>
        </button>
        <button type="button" class="quiet" onClick={() => set(columns, !all)} aria-label={`${all ? "Remove" : "Add"} all of ${branch.path}`}>
          {all ? "Remove all" : "Add all"}
        </button>
      </div>
      {open && <Branches branches={branch.branches} searching={searching} chosen={chosen} set={set} />}
    </>
  );
}

function Pick({ choice, name, chosen, set }: { choice: Choice; name: string; chosen: ReadonlySet<string>; set: Set_ }): JSX.Element {
  return (
    <label class="check" title={choice.parts.join("")}>
      <input type="checkbox" checked={chosen.has(choice.column.id)} onChange={(event) => set([choice.column], event.currentTarget.checked)} />
      <bdi>{name}</bdi>
      <bdi class="hint">{choice.about}</bdi>
    </label>
  );
}

function asChoice(column: Column, parts: readonly string[]): Choice {
  return { column, parts, differs: true, about: "" };
}

/** `200 runs, 0.01 to 3.5`, or the most frequent values. */
function about({ runs, min, max, values }: Key): string {
  const range = min === undefined || max === undefined ? "" : min === max ? number(min) : `${number(min)} to ${number(max)}`;
  const some = [...(values ?? []).slice(0, FEW_VALUES).map(({ value }) => value), ...((values ?? []).length > FEW_VALUES ? ["…"] : [])].join(", ");
  return [counted(runs, "run"), range || some].filter((text) => text !== "").join(", ");
}
