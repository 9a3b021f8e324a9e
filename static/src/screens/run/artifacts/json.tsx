import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { counted, whole } from "../../../lib/format.ts";
import { readJson } from "../../../lib/json_text.ts";
import { Icon } from "../../../parts/basics.tsx";
import { LongText } from "../../../parts/long_text.tsx";
import { Answered } from "../../../parts/states.tsx";
import { TextView } from "./text.tsx";
import { FileFrame } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";
import { useWholeText } from "./whole.ts";

/** As many entries of a list or an object are shown, and as many more with each wish. */
const ENTRIES = 200;
/** Levels that are open at first. */
const OPEN_LEVELS = 2;
/** Levels that can be opened; what is deeper has the text. */
const MOST_LEVELS = 100;

/** A JSON file as a tree; as text where it is none. */
export function JsonView({ shown, tools }: { shown: Shown; tools: ComponentChildren }): JSX.Element {
  const asked = useWholeText(shown);
  const read = useMemo(() => (typeof asked.answer === "string" ? readJson(asked.answer) : null), [asked.answer]);
  // No characters: the view of texts says so.
  if (asked.answer === null) return <TextView shown={shown} tools={tools} />;
  if (read && "mistake" in read) return <TextView shown={shown} said={`This is no valid JSON (${read.mistake}), so it is shown as text.`} />;
  return (
    <FileFrame shown={shown} tools={tools}>
      <div class="artifact-body scroll json" tabIndex={0} role="region" aria-label="JSON">
        <Answered asked={asked} what="The file">
          {() => read && <Value value={read.value} level={0} />}
        </Answered>
      </div>
    </FileFrame>
  );
}

function Value({ name, value, level }: { name?: string; value: unknown; level: number }): JSX.Element {
  const label = name !== undefined && <bdi class="json-name">{name}</bdi>;
  if (typeof value === "object" && value !== null) return <Group label={label} value={value} level={level} />;
  return (
    <div class="json-leaf">
      {label}
      {typeof value === "string" ? <LongText text={JSON.stringify(value)} code /> : <code class="json-word">{String(value)}</code>}
    </div>
  );
}

function Group({ label, value, level }: { label: ComponentChildren; value: object; level: number }): JSX.Element {
  const [open, setOpen] = useState(level < OPEN_LEVELS);
  const [limit, setLimit] = useState(ENTRIES);
  const entries = useMemo(() => Object.entries(value), [value]);
  const what = Array.isArray(value) ? counted(entries.length, "item") : counted(entries.length, "key");
  return (
    <div class="json-group">
      <button type="button" class="quiet fold" aria-expanded={open} disabled={entries.length === 0 || level >= MOST_LEVELS} onClick={() => setOpen(!open)}>
        <Icon name={open ? "down" : "right"} />
        {label} <span class="count">{level >= MOST_LEVELS ? `${what}, too deep for the tree` : what}</span>
      </button>
      {open && level < MOST_LEVELS && entries.length > 0 && (
        <div class="json-entries">
          {entries.slice(0, limit).map(([key, held]) => (
            <Value key={key} name={key} value={held} level={level + 1} />
          ))}
          {entries.length > limit && (
            <button type="button" class="quiet more-of" onClick={() => setLimit(limit + ENTRIES)}>
              Show more ({whole(entries.length - limit)} left)
            </button>
          )}
        </div>
      )}
    </div>
  );
}
