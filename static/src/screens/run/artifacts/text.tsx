import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { size, whole } from "../../../lib/format.ts";
import { findInLines } from "../../../lib/log_text.ts";
import type { Hit, Line } from "../../../lib/log_text.ts";
import { Icon } from "../../../parts/basics.tsx";
import { Lines } from "../../../parts/lines.tsx";
import type { LineWish } from "../../../parts/lines.tsx";
import { Empty, Skeleton, Trouble } from "../../../parts/states.tsx";
import { MOST_BYTES, useText } from "./text_source.ts";
import { FileFrame } from "./view.tsx";
import type { Shown } from "./view.tsx";
import { FIRST_BYTES } from "./whole.ts";

/** Height of a line, pixels; `run/artifacts.css` has it too. */
const LINE_HEIGHT = 18;
/** As many places of a search are counted. */
const MOST_HITS = 10_000;

/** A text file of any size: the first part of it, more when somebody asks, its end, and what is added while the run goes on. */
export function TextView({ shown, tools, said }: { shown: Shown; tools?: ComponentChildren; said?: string }): JSX.Element {
  const [follow, setFollow] = useState(false);
  const text = useText(shown, follow);
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const [wished, setWished] = useState<LineWish>();
  const [atEnd, setAtEnd] = useState(true);
  const hits = useMemo(() => findInLines(text.lines, search, MOST_HITS), [text.lines, search]);
  const byLine = useMemo(() => byTheirLine(hits), [hits]);
  const hit = hits[at % Math.max(1, hits.length)];
  const wish = (line: number): void => setWished((before) => ({ line, wish: (before?.wish ?? 0) + 1 }));
  useEffect(() => {
    if (hit) wish(hit.line);
  }, [hit]);
  useEffect(() => {
    if (follow && atEnd) wish(text.lines.length - 1);
  }, [text.lines, follow]);

  const running = shown.run.info.status === "RUNNING";
  const step = (by: number): void => setAt((before) => (before + by + hits.length) % Math.max(1, hits.length));
  const finder = (
    <search class="finder">
      <label class="filter-field">
        <span class="unseen">Find in what is shown</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder="Find"
          value={search}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1)}
        />
      </label>
      <span class="hint figure" role="status">
        {search === "" ? "" : hits.length === 0 ? "not found" : `${(at % hits.length) + 1} of ${whole(hits.length)}${hits.length === MOST_HITS ? "+" : ""}`}
      </span>
    </search>
  );
  return (
    <FileFrame
      shown={shown}
      tools={
        <>
          {finder}
          {running && (
            <button type="button" aria-pressed={follow} onClick={() => setFollow(!follow)}>
              Follow the end
            </button>
          )}
          {tools}
        </>
      }
    >
      {said !== undefined && <p class="artifact-said hint">{said}</p>}
      {text.failure && <Trouble what="The file" failure={text.failure} retry={text.retry} />}
      {text.binary ? (
        <Empty title="This is no text.">
          <p>The file holds bytes that are no characters. It can be downloaded.</p>
        </Empty>
      ) : text.lines.length === 0 ? (
        text.waiting && <Skeleton name="the file" />
      ) : (
        <div class="artifact-body text">
          <Lines name="Text" count={text.lines.length} height={LINE_HEIGHT} wished={wished} scrolled={setAtEnd}>
            {(line) => <TextLine key={line} line={text.lines[line]} hits={byLine.get(line)} current={hit} />}
          </Lines>
        </div>
      )}
      {!text.binary && <Parts text={text} />}
    </FileFrame>
  );
}

/** Which part of the file is shown, and the ways to the others. */
function Parts({ text }: { text: ReturnType<typeof useText> }): JSX.Element | null {
  const { from, to, size: all, waiting } = text;
  if (from === 0 && to >= all) return null;
  const full = to - from >= MOST_BYTES;
  return (
    <div class="artifact-parts">
      <span class="hint" role="status">
        {from === 0 ? `The first ${size(to)}` : to >= all ? `The last ${size(to - from)}` : `${size(to - from)} from ${size(from)} on`} of {size(all)}.
        {full && to < all && " For more, go to the end or download it."}
      </span>
      {to < all && !full && (
        <button type="button" disabled={waiting} onClick={text.more}>
          Show {size(Math.min(FIRST_BYTES, all - to))} more
        </button>
      )}
      {to < all && (
        <button type="button" disabled={waiting} onClick={text.end}>
          Go to the end
        </button>
      )}
      {from > 0 && (
        <button type="button" disabled={waiting} onClick={text.beginning}>
          Go to the beginning
        </button>
      )}
    </div>
  );
}

function TextLine({ line, hits, current }: { line: Line | undefined; hits: readonly Hit[] | undefined; current: Hit | undefined }): JSX.Element {
  return (
    <div class="line">
      <span class="line-number" aria-hidden="true">
        {line?.number ?? ""}
      </span>
      <span class="line-text">{line && marked(line.text, hits ?? [], current)}</span>
    </div>
  );
}

function byTheirLine(hits: readonly Hit[]): ReadonlyMap<number, readonly Hit[]> {
  const found = new Map<number, Hit[]>();
  for (const hit of hits) {
    const there = found.get(hit.line);
    if (there === undefined) found.set(hit.line, [hit]);
    else there.push(hit);
  }
  return found;
}

function marked(text: string, hits: readonly Hit[], current: Hit | undefined): ComponentChildren {
  if (hits.length === 0) return text;
  const shown: ComponentChildren[] = [];
  let done = 0;
  for (const hit of hits) {
    shown.push(
      text.slice(done, hit.from),
      <mark key={hit.from} aria-current={hit === current ? "true" : undefined}>
        {text.slice(hit.from, hit.to)}
      </mark>,
    );
    done = hit.to;
  }
  return [...shown, text.slice(done)];
}
