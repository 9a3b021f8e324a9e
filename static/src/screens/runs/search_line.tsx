// The line in which people say which runs they want (design: "Search language"): a combo box (WAI-ARIA) whose list is what the
// server's parser would accept at the cursor, or what was searched before.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { plainWords } from "../../lib/filter.ts";
import { Icon } from "../../parts/basics.tsx";
import { isTexts, kept } from "../../state/kept.ts";
import { useCompletion } from "./use_completion.ts";

/** The pause in typing after which the table follows, ms. */
const FOLLOW_MS = 300;
/** Searches that are remembered. */
const MOST_RECENT = 20;

const recent = kept<readonly string[]>("recent_queries", [], isTexts);

/** What stands in the list: a piece of the line that would become `insert`. */
interface Offer {
  insert: string;
  label: string;
  about: string;
  from: number;
  to: number;
}

export interface SearchLineProps {
  /** Null while it is not known which. */
  experiments: readonly string[] | null;
  /** The text of the address. */
  query: string;
  /** Takes a line that the server understands; `done` where somebody said that it is whole. */
  search: (query: string, done: boolean) => void;
}

export function SearchLine({ experiments, query, search }: SearchLineProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(query);
  const [at, setAt] = useState(query.length);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const told = useRef(query);
  const caret = useRef<number | null>(null);
  const completed = useCompletion(experiments, text, at, open);

  // Somebody went back, or a chip wrote into the line.
  useLayoutEffect(() => {
    if (query === told.current) return;
    told.current = query;
    setText(query);
    setAt(query.length);
  }, [query]);
  useLayoutEffect(() => {
    if (caret.current !== null) input.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });

  const words = plainWords(text);
  const fresh = completed?.text === text ? completed.completion : null;
  const mistake = words === null ? (fresh?.error ?? null) : null;
  const offers = open ? offersFor(text, fresh, words) : [];
  const chosen = offers[active];

  const apply = (line: string, done: boolean): void => {
    if (done && line.trim() !== "") recent.value = [line.trim(), ...recent.value.filter((old) => old !== line.trim())].slice(0, MOST_RECENT);
    if (line === told.current && !done) return;
    told.current = line;
    search(line, done);
  };
  // The table follows what is whole; while there is a mistake it stays as it is.
  const whole = words !== null || text.trim() === "" || (fresh !== null && fresh.error === null);
  const [entered, setEntered] = useState<string>();
  // It ends with the line at once: the next screen has an address of its own.
  useLayoutEffect(() => {
    if (!whole) return;
    if (entered === text) {
      setEntered(undefined);
      apply(text, true);
      return;
    }
    if (text === told.current) return;
    const timer = setTimeout(() => apply(text, false), FOLLOW_MS);
    return () => clearTimeout(timer);
  }, [text, whole, entered]);

  const edit = (line: string, cursor: number): void => {
    setText(line);
    setAt(cursor);
    setActive(-1);
    caret.current = cursor;
  };
  const take = ({ insert, from, to }: Offer): void => {
    const gap = insert.endsWith(".") || text.slice(to).startsWith(" ") ? "" : " ";
    edit(text.slice(0, from) + insert + gap + text.slice(to), from + insert.length + gap.length);
  };
  const press = (event: KeyboardEvent): void => {
    const move = (by: number): void => {
      event.preventDefault();
      if (!open) setOpen(true);
      else if (offers.length > 0) setActive((active + by + (active < 0 && by < 0 ? 1 : 0) + offers.length) % offers.length);
    };
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp" && open) move(-1);
    else if (event.key === "Tab" && !event.shiftKey && offers.length > 0 && words === null && text.trim() !== "") {
      event.preventDefault();
      take(chosen ?? (offers[0] as Offer));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (chosen) take(chosen);
      else {
        setOpen(false);
        // It may not be known yet whether the line is right.
        setEntered(text);
      }
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (open) setOpen(false);
      else input.current?.blur();
    }
  };
  return (
    <div class="search-line">
      <div class={mistake && !open ? "search-box wrong" : "search-box"}>
        <Icon name="search" />
        {words !== null && <span class="chip search-words">name contains</span>}
        <div class="search-field">
          {mistake && <Underline text={text} from={mistake.from} to={mistake.to} input={input.current} />}
          <input
            ref={input}
            type="text"
            role="combobox"
            aria-label="Search runs"
            aria-autocomplete="list"
            aria-expanded={offers.length > 0}
            aria-controls="search-offers"
            aria-activedescendant={chosen ? `search-offer-${active}` : undefined}
            aria-invalid={mistake !== null && !open}
            aria-describedby="search-mistake"
            placeholder="Search runs: part of a name, or metrics.val_loss < 0.1 AND params.lr = '1e-4'"
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            value={text}
            onInput={(event) => {
              setOpen(true);
              edit(event.currentTarget.value, event.currentTarget.selectionStart ?? event.currentTarget.value.length);
            }}
            onSelect={(event) => setAt(event.currentTarget.selectionStart ?? 0)}
            onKeyDown={press}
            onClick={() => setOpen(true)}
            onBlur={() => {
              setOpen(false);
              if (whole && text !== query) apply(text, true);
            }}
          />
        </div>
        {text !== "" && (
          <button
            type="button"
            class="quiet"
            aria-label="Clear the search"
            onClick={() => {
              edit("", 0);
              apply("", true);
              setOpen(false);
              input.current?.focus();
            }}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
      <Offers offers={offers} active={active} take={take} />
      <p id="search-mistake" class="search-mistake" role="status">
        {mistake && !open ? mistake.message : ""}
      </p>
    </div>
  );
}

/** What the list offers: completions, or searches of before where nothing was written yet. */
function offersFor(text: string, fresh: { from: number; to: number; suggestions: readonly { insert: string; label: string; about?: string }[] } | null, words: readonly string[] | null): Offer[] {
  const before = text.trim() === "" ? recent.value.map((line) => ({ insert: line, label: line, about: "recent", from: 0, to: text.length })) : [];
  // A word in the middle of plain words begins nothing.
  if (fresh === null || (words !== null && words.length > 1)) return before;
  return [...before, ...fresh.suggestions.map(({ insert, label, about = "" }) => ({ insert, label, about, from: fresh.from, to: fresh.to }))];
}

function Offers({ offers, active, take }: { offers: readonly Offer[]; active: number; take: (offer: Offer) => void }): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: "nearest" }), [active]);
  return (
    <ul id="search-offers" class="search-offers" role="listbox" aria-label="Completions" ref={list} hidden={offers.length === 0}>
      {offers.map((offer, index) => (
        <li
          key={`${index} ${offer.label}`}
          id={`search-offer-${index}`}
          role="option"
          aria-selected={index === active}
          // The line keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(offer)}
        >
          <bdi>{offer.label}</bdi>
          {offer.about !== "" && <bdi class="hint">{offer.about}</bdi>}
        </li>
      ))}
    </ul>
  );
}

/** A wavy line below what is wrong: the same text behind the field, of which only the underlining is seen. */
function Underline({ text, from, to, input }: { text: string; from: number; to: number; input: HTMLInputElement | null }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const follow = (): void => {
      if (box.current && input) box.current.scrollLeft = input.scrollLeft;
    };
    follow();
    input?.addEventListener("scroll", follow);
    return () => input?.removeEventListener("scroll", follow);
  }, [text, input]);
  // At the end of the line there is nothing to be underlined but the gap after it.
  const wrong = text.slice(from, to) || "  ";
  return (
    <div class="search-underline" aria-hidden="true" ref={box}>
      {text.slice(0, from)}
      <span class="search-wrong">{wrong}</span>
      {text.slice(Math.max(from, to))}
    </div>
  );
}
