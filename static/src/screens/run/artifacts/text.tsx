import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { foldsOf, seenLines, unfoldedTo } from "../../../lib/folds.ts";
import { counted, size, whole } from "../../../lib/format.ts";
import { findInLines } from "../../../lib/log_text.ts";
import type { Hit, Line } from "../../../lib/log_text.ts";
import { Icon } from "../../../parts/basics.tsx";
import { Lines } from "../../../parts/lines.tsx";
import type { LineWish } from "../../../parts/lines.tsx";
import { Empty, Skeleton, Trouble } from "../../../parts/states.tsx";
import { FileFrame } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";
import { useFileSearch } from "./file_search.ts";
import { Finder } from "./finder.tsx";
import { AS_LINES, useText } from "./text_source.ts";
import type { Text } from "./text_source.ts";
import { FIRST_BYTES } from "./whole.ts";

/** Height of a line, pixels, and of one that has a button; `artifacts.css` has them too. */
const LINE_HEIGHT = 18;
const FOLD_HEIGHT = 24;
/** As many places of a search are counted. */
const MOST_HITS = 10_000;

/**
 * A text file of any size: the first part of it, more when somebody asks, its end, and what is added while the run goes on. With
 * `folding`, lines can be folded by how far they are indented.
 */
export function TextView({ shown, tools, said, folding = false }: { shown: Shown; tools?: ComponentChildren; said?: string; folding?: boolean }): JSX.Element {
  const running = shown.run.info.status === "RUNNING";
  const [follow, setFollow] = useState(false);
  const text = useText(shown, AS_LINES, follow && running);
  const { lines } = text;
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const [wished, setWished] = useState<LineWish>();
  const [folded, fold] = useState<ReadonlySet<number>>(new Set());
  const folds = useMemo(() => (folding && text.from === 0 ? foldsOf(lines) : null), [lines, folding]);
  const seen = useMemo(() => (folds && folded.size > 0 ? seenLines(folds, folded) : null), [folds, folded]);

  const hits = useMemo(() => findInLines(lines, search, MOST_HITS), [lines, search]);
  const byLine = useMemo(() => byTheirLine(hits), [hits]);
  const [fileSearch, startSearch, stopSearch] = useFileSearch(shown);
  const inAll = fileSearch?.text === search && search !== "" ? fileSearch : null;
  const count = inAll?.found.length ?? hits.length;
  const place = at % Math.max(1, count);
  const line = inAll?.found[place];
  const hit = inAll ? undefined : hits[place];
  const step = (by: number): void => {
    setFollow(false);
    setAt((before) => ((before % Math.max(1, count)) + by + count) % Math.max(1, count));
  };

  const wish = (wanted: number): void => {
    let open = folded;
    if (folds) fold((open = unfoldedTo(folds, folded, wanted)));
    const shownAt = folds && open.size > 0 ? seenLines(folds, open).indexOf(wanted) : wanted;
    setWished((before) => ({ line: shownAt, wish: (before?.wish ?? 0) + 1 }));
  };
  useEffect(() => {
    if (hit) wish(hit.line);
  }, [hit]);
  // A line that was found in all of the file: it is among those that are held, or its surroundings are fetched, once.
  const fetched = useRef<typeof line>(undefined);
  const lineAt = useMemo(() => (line ? lines.findIndex(({ number }) => number === line.number) : -1), [lines, line]);
  useEffect(() => {
    if (lineAt >= 0) wish(lineAt);
    else if (line && fetched.current !== line) {
      fetched.current = line;
      text.jump(line);
    }
  }, [lineAt, line]);
  useEffect(() => {
    if (follow) wish(lines.length - 1);
  }, [lines, follow]);
  const atLast = text.to >= text.size;
  /** At its end a file is followed, until somebody scrolls up. */
  const scrolled = (atEnd: boolean, up: boolean): void => {
    if (up) setFollow(false);
    else if (atEnd && atLast && running && !folding) setFollow(true);
  };

  const whole = text.from === 0 && atLast;
  const finder = (
    <Finder
      search={search}
      setSearch={(next) => {
        stopSearch();
        setSearch(next);
        setAt(0);
      }}
      at={place}
      count={count}
      more={inAll ? inAll.full : hits.length === MOST_HITS}
      step={step}
      all={whole ? null : { bytes: text.size, search: inAll, start: () => startSearch(search), stop: stopSearch }}
    />
  );
  return (
    <FileFrame
      shown={shown}
      tools={
        <>
          {!text.binary && finder}
          {running && !text.binary && (
            <button type="button" aria-pressed={follow} onClick={() => setFollow(!follow)}>
              {follow ? "Following" : "Follow the end"}
            </button>
          )}
          {folds && <FoldAll folds={folds} lines={lines} fold={fold} anyFolded={folded.size > 0} />}
          {tools}
        </>
      }
    >
      {said !== undefined && <p class="artifact-said hint">{said}</p>}
      {text.failure && <Trouble what="The file" failure={text.failure} retry={text.retry} />}
      {text.binary ? (
        <Binary />
      ) : lines.length === 0 ? (
        text.waiting && <Skeleton name="the file" />
      ) : (
        <div class="artifact-body text" data-folds={folds !== null}>
          <Lines name="Text" count={seen?.length ?? lines.length} height={folds ? FOLD_HEIGHT : LINE_HEIGHT} wished={wished} scrolled={scrolled}>
            {(shownAt) => {
              const number = seen?.[shownAt] ?? shownAt;
              const end = folds?.[number] ?? number;
              return (
                <TextLine
                  key={number}
                  line={lines[number]}
                  hits={byLine.get(number)}
                  current={hit ?? (number === lineAt ? byLine.get(number)?.[0] : undefined)}
                  folds={folds !== null}
                  inside={end - number}
                  isFolded={folded.has(number)}
                  toggle={() => fold(toggled(folded, number))}
                />
              );
            }}
          </Lines>
        </div>
      )}
      {!text.binary && (
        <Parts
          text={{
            ...text,
            beginning: () => {
              setFollow(false);
              text.beginning();
            },
          }}
          ends
        />
      )}
    </FileFrame>
  );
}

/** Says of a file that should be text that it is none. */
export function Binary(): JSX.Element {
  return (
    <Empty title="This is no text.">
      <p>The file holds bytes that are no characters, or text in an encoding other than UTF-8. It can be downloaded.</p>
    </Empty>
  );
}

/** Which part of the file is shown, and the ways to the others; `ends` offers its end. */
export function Parts<Item>({ text, ends = false }: { text: Text<Item>; ends?: boolean }): JSX.Element | null {
  const { from, to, size: all, waiting, full } = text;
  if (from === 0 && to >= all) return null;
  return (
    <div class="artifact-parts">
      <span class="hint" role="status">
        {from === 0 ? `The first ${size(to)}` : to >= all ? `The last ${size(to - from)}` : `${size(to - from)} from ${size(from)} on`} of {size(all)}.
        {full && to < all && ` For more, ${ends ? "go to the end or " : ""}download it.`}
      </span>
      {to < all && !full && (
        <button type="button" disabled={waiting} onClick={text.more}>
          Show {size(Math.min(FIRST_BYTES, all - to))} more
        </button>
      )}
      {ends && to < all && (
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

/** Folds everything but the outermost lines, or nothing. */
function FoldAll({
  folds,
  lines,
  fold,
  anyFolded,
}: {
  folds: readonly number[];
  lines: readonly Line[];
  fold: (folded: ReadonlySet<number>) => void;
  anyFolded: boolean;
}): JSX.Element | null {
  const outer = folds.flatMap((end, place) => (end > place && /^\S/.test(lines[place]?.text ?? "") ? [place] : []));
  if (outer.length === 0) return null;
  return (
    <button type="button" onClick={() => fold(new Set(anyFolded ? [] : outer))}>
      {anyFolded ? "Unfold all" : "Fold all"}
    </button>
  );
}

function toggled(folded: ReadonlySet<number>, line: number): ReadonlySet<number> {
  const next = new Set(folded);
  if (!next.delete(line)) next.add(line);
  return next;
}

/** A line; `inside` is how many lines can be folded with it. */
function TextLine({
  line,
  hits,
  current,
  folds,
  inside,
  isFolded,
  toggle,
}: {
  line: Line | undefined;
  hits: readonly Hit[] | undefined;
  current: Hit | undefined;
  folds: boolean;
  inside: number;
  isFolded: boolean;
  toggle: () => void;
}): JSX.Element {
  return (
    <div class="line">
      <span class="line-number" aria-hidden="true">
        {line?.number ?? ""}
      </span>
      {folds && (
        <span class="line-fold">
          {inside > 0 && (
            <button type="button" class="quiet" aria-expanded={!isFolded} aria-label={`Line ${line?.number ?? ""} and ${whole(inside)} below`} onClick={toggle}>
              <Icon name={isFolded ? "right" : "down"} />
            </button>
          )}
        </span>
      )}
      <span class="line-text">{line && marked(line.text, hits ?? [], current)}</span>
      {isFolded && <span class="hint">{counted(inside, "line")} more</span>}
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
