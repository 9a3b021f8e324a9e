// The smallest parts: what stands in cells and lines of every screen.

import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { clockTime, duration, fullMoment, moment, second } from "../lib/format.ts";
import { copyText } from "../lib/clipboard.ts";
import { now } from "../state/clock.ts";
import { inUtc } from "../state/zone.ts";
import { useHold } from "./hold.ts";

const STATUS_WORDS: Readonly<Record<string, string>> = {
  RUNNING: "Running",
  SCHEDULED: "Scheduled",
  FINISHED: "Finished",
  FAILED: "Failed",
  KILLED: "Killed",
};

/** A run's state: a shape, a colour and a word. */
export function Status({ status }: { status: string }): JSX.Element {
  return (
    <span class="status" data-status={status}>
      {STATUS_WORDS[status] ?? status}
    </span>
  );
}

/** A time: relative within a week, all of it in the title. */
export function Time({ ms }: { ms: number | null | undefined }): JSX.Element | null {
  if (ms === null || ms === undefined) return null;
  return (
    <time dateTime={isoMoment(ms)} title={fullMoment(ms, inUtc())}>
      {moment(ms, now.value, inUtc())}
    </time>
  );
}

/** A time that is still to come, if things go on as they did: `17:20` today, else with its date. */
export function Until({ ms }: { ms: number }): JSX.Element {
  const utc = inUtc();
  const isToday = second(ms, utc).slice(0, 10) === second(now.value, utc).slice(0, 10);
  return (
    <time dateTime={isoMoment(ms)} title={`If it goes on like this: ${fullMoment(ms, utc)}`}>
      {ms < now.value ? "now" : isToday ? clockTime(ms, utc) : moment(ms, now.value, utc)}
    </time>
  );
}

/** How long something took, or takes so far. */
export function Duration({ from, to }: { from: number | null | undefined; to: number | null | undefined }): JSX.Element | null {
  if (from === null || from === undefined) return null;
  return <span class="figure">{duration((to ?? now.value) - from)}</span>;
}

/** What would begin another line, for which names have no room. */
const LINE_ENDS = /[\n\v\f\r\u0085\u2028\u2029]/g;

/** A name that people wrote, shortened in its middle where there is no room; all of it in the title. Up to `whole` characters it is cut at its end. */
export function Name({ text, tail = 8, whole = 24 }: { text: string; tail?: number; whole?: number }): JSX.Element {
  const line = text.replace(LINE_ENDS, " ");
  const characters = [...line];
  if (characters.length <= whole) return <span class="name" title={text}><bdi>{line}</bdi></span>;
  return (
    <span class="name" title={text}>
      <bdi class="name-head">{characters.slice(0, -tail).join("")}</bdi>
      <bdi class="name-tail">{characters.slice(-tail).join("")}</bdi>
    </span>
  );
}

/** The first eight characters of an id, and a button that copies all of them. */
export function Id({ id }: { id: string }): JSX.Element {
  return (
    <span class="id">
      <code title={id}>{id.slice(0, 8)}</code>
      <CopyButton text={id} name={`Copy the id ${id.slice(0, 8)}`} small />
    </span>
  );
}

/** How long a copy button says what it did, ms. */
const NOTICE_MS = 2_000;

/** A button that copies a text; `name` says which, to those who do not see it. */
export function CopyButton({ text, name, small = false }: { text: string; name: string; small?: boolean }): JSX.Element {
  const [said, say] = useState("");
  const copy = async (): Promise<void> => {
    say((await copyText(text)) ? "Copied" : "Not copied");
    setTimeout(() => say(""), NOTICE_MS);
  };
  return (
    <button type="button" class={small ? "copy quiet" : "copy"} aria-label={name} title={name} onClick={() => void copy()}>
      {small ? <Icon name={said === "Copied" ? "check" : "copy"} /> : said || "Copy"}
      <span class="unseen" role="status">
        {said}
      </span>
    </button>
  );
}

/** Strokes in a box of 16 by 16. */
const ICONS = {
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  left: "M10 4 6 8l4 4",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6",
  hidden: "M2 2l12 12M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Z",
  fork: "M4 2v5a3 3 0 0 0 3 3h2a3 3 0 0 1 3 3v1M12 2v3a5 5 0 0 1-5 5M4 2 2.5 4M4 2l1.5 2",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.5 10.5 14 14",
  star: "m8 2 1.8 3.8 4.2.6-3 2.9.7 4.2L8 11.5 4.3 13.5 5 9.3 2 6.4l4.2-.6z",
  menu: "M3 8h.01M8 8h.01M13 8h.01",
  folder: "M2 4h4l1.5 2H14v7H2z",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10",
  edit: "M3 13l.7-3L11 2.7l2.3 2.3L6 12.3z",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 9h6l.5-9",
  plus: "M8 3v10M3 8h10",
  basket: "M2 6h12l-1.5 7.5h-9zM5 6l2-4M11 6 9 2",
  warning: "M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.8v.2",
  settings: "M2 5h7M13 5h1M2 11h1M7 11h7M11 3a2 2 0 1 0 0 4 2 2 0 0 0 0-4M5 9a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  play: "M5 3.5v9l7-4.5z",
  pause: "M5 3.5v9M11 3.5v9",
  zoom: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.5 10.5 14 14M5 7h4M7 5v4",
} as const;

export type IconName = keyof typeof ICONS;

/** A picture beside words, or in a button that has a name; never the only sign of something. */
export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" data-filled={filled}>
      <path d={ICONS[name]} />
    </svg>
  );
}

/** A heading with what belongs to it at its right. Once `arrival` is true the page is scrolled there: a link led to it. */
export function Section({
  title,
  aside,
  arrival = false,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  arrival?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const section = useRef<HTMLElement>(null);
  useHold(section, arrival);
  return (
    <section class="section" aria-label={title} ref={section}>
      <header class="section-head">
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

function isoMoment(ms: number): string {
  // Clients may log any 64-bit time; beyond what a Date holds there is no text for it.
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
