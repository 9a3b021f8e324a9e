// Chips below the search line: each writes one clause into it, and shows what the line says about its field.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { complete, listKeys } from "../../api/runs.ts";
import type { Key } from "../../api/runs.ts";
import { field } from "../../lib/filter.ts";
import { counted } from "../../lib/format.ts";
import { Icon } from "../../parts/basics.tsx";
import { Menu } from "../../parts/menu.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { SPANS, canBeDemanded, demanded, demanding } from "./search.ts";

const STATUSES = [
  ["RUNNING", "Running"],
  ["FINISHED", "Finished"],
  ["FAILED", "Failed"],
  ["KILLED", "Killed"],
  ["SCHEDULED", "Scheduled"],
] as const;
const STATUS = "attributes.status";
const USER = "attributes.user_id";
/** Tags that clients make for themselves, and that nobody looks for. */
const MADE_BY_CLIENTS = /^mlflow\.(log-model|note|runName|user|parentRunId)/;

export interface ChipsProps {
  experiments: readonly string[];
  query: string;
  search: (query: string) => void;
  /** `7d`, or undefined for all times. */
  from: string | undefined;
  limit: (from: string | undefined) => void;
}

export function Chips({ experiments, query, search, from, limit }: ChipsProps): JSX.Element {
  const status = demanded(query, STATUS);
  const user = demanded(query, USER);
  const statusWord = STATUSES.find(([value]) => value === status?.value)?.[1] ?? status?.value;
  const span = SPANS.find(([value]) => value === from)?.[1] ?? (from === undefined ? undefined : `Last ${from}`);
  return (
    <>
      <Chip title="Status" value={said(status, statusWord)} clear={() => search(demanding(query, STATUS, null))}>
        {(close) => <Choices items={STATUSES} chosen={status?.not ? undefined : status?.value} choose={(value) => pass(close, () => search(demanding(query, STATUS, value)))} />}
      </Chip>
      <Chip title="User" value={said(user, user?.value)} clear={() => search(demanding(query, USER, null))}>
        {(close) => <UserChoices experiments={experiments} chosen={user?.not ? undefined : user?.value} choose={(value) => pass(close, () => search(demanding(query, USER, value)))} />}
      </Chip>
      <Chip title="Started" value={span} clear={() => limit(undefined)}>
        {(close) => <Choices items={SPANS} chosen={from} choose={(value) => pass(close, () => limit(value))} />}
      </Chip>
      <Chip title="Tag" value={undefined} clear={() => undefined}>
        {(close) => <TagChoices experiments={experiments} choose={(name, value) => pass(close, () => search(demanding(query, name, value)))} />}
      </Chip>
    </>
  );
}

function pass(close: () => void, act: () => void): void {
  close();
  act();
}

function said(found: { not: boolean } | null, word: string | undefined): string | undefined {
  return found && word !== undefined ? (found.not ? `not ${word}` : word) : undefined;
}

/** A menu that says what it is about, and what was chosen in it, which can be taken back. */
function Chip({
  title,
  value,
  clear,
  children,
}: {
  title: string;
  value: string | undefined;
  clear: () => void;
  children: (close: () => void) => ComponentChildren;
}): JSX.Element {
  const label = (
    <>
      {value === undefined ? title : <>{title}: <bdi class="chip-value">{value}</bdi></>}
      <Icon name="down" />
    </>
  );
  return (
    <span class={value === undefined ? "filter-chip" : "filter-chip set"}>
      <Menu label={label}>{children}</Menu>
      {value !== undefined && (
        <button type="button" class="quiet" aria-label={`Any ${title.toLowerCase()}`} onClick={clear}>
          <Icon name="close" />
        </button>
      )}
    </span>
  );
}

function Choices({
  items,
  chosen,
  choose,
}: {
  items: readonly (readonly [value: string, label: string, about?: string])[];
  chosen?: string | undefined;
  choose: (value: string) => void;
}): JSX.Element {
  return (
    <>
      {items.map(([value, label, about]) => (
        <button type="button" class="menu-item" key={value} aria-pressed={value === chosen} onClick={() => choose(value)}>
          <bdi>{label}</bdi>
          {about !== undefined && <span class="hint">{about}</span>}
        </button>
      ))}
    </>
  );
}

/** Who has runs here, as the completion of a filter tells it. */
function UserChoices({ experiments, chosen, choose }: { experiments: readonly string[]; chosen?: string | undefined; choose: (value: string) => void }): JSX.Element {
  const clause = `${USER} = `;
  const asked = useAsk(experiments.join(), (signal) => complete(experiments, clause, clause.length, signal));
  return (
    <Answered asked={asked} what="The users" lines={3}>
      {({ suggestions }) => {
        const items = suggestions.map(({ insert, about }) => {
          const name = insert.slice(1, -1);
          return [name, name, ...(about === undefined ? [] : [about])] as const as readonly [string, string, string?];
        });
        return items.length === 0 ? <p class="hint">No run says whose it is.</p> : <Choices items={items} chosen={chosen} choose={choose} />;
      }}
    </Answered>
  );
}

function TagChoices({ experiments, choose }: { experiments: readonly string[]; choose: (field: string, value: string) => void }): JSX.Element {
  const asked = useAsk(experiments.join(), (signal) => listKeys("tag", experiments, "", 100, signal));
  const [tag, setTag] = useState<Key>();
  const name = tag && field("tags", tag.key);
  return (
    <Answered asked={asked} what="The tags" lines={3}>
      {(keys) => {
        if (tag && name) {
          const some = (tag.values ?? []).filter(({ value }) => canBeDemanded(value));
          const values = some.map(({ value, runs }) => [value, value, counted(runs, "run")] as const);
          return (
            <>
              <button type="button" class="menu-item" onClick={() => setTag(undefined)}>
                <Icon name="left" /> <bdi>{tag.key}</bdi>
              </button>
              <Choices items={values} choose={(value) => choose(name, value)} />
            </>
          );
        }
        const useful = keys.filter(({ key }) => !MADE_BY_CLIENTS.test(key) && field("tags", key) !== null);
        if (useful.length === 0) return <p class="hint">No run has a tag.</p>;
        return <Choices items={useful.map(({ key, runs }) => [key, key, counted(runs, "run")] as const)} choose={(key) => setTag(useful.find((one) => one.key === key))} />;
      }}
    </Answered>
  );
}
