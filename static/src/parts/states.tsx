// What stands where data is not: not there yet, none, or not to be had (design: "Screens", the four states).

import type { ComponentChildren, JSX } from "preact";
import type { Failure } from "../api/client.ts";
import type { Asked } from "../state/ask.ts";
import { signInPath } from "../lib/sign_in.ts";

/** Grey bars of about the size of what comes; they appear only after 150 ms, since most answers come sooner. */
export function Skeleton({ lines = 6, name }: { lines?: number; name: string }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label={`Loading ${name}`}>
      {Array.from({ length: lines }, (_, index) => (
        <div class="skeleton-line" key={index} />
      ))}
    </div>
  );
}

/** Why there is nothing, and the one next step. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Why a view shows no run; what is found appears by itself. */
export function NothingFound({ source }: { source: string }): JSX.Element {
  return (
    <Empty title="Nothing has been found yet.">
      <p>
        There is no run in <code>{source}</code> so far. It is looked through again and again, and what is found appears here by itself.
      </p>
    </Empty>
  );
}

/** What failed, in the place where it failed. */
export function Trouble({ what, failure, retry }: { what: string; failure: Failure; retry?: (() => void) | undefined }): JSX.Element {
  const facts = [
    failure.status === 0 ? null : `status ${failure.status}`,
    failure.requestId === null ? null : `request ${failure.requestId}`,
  ].filter((fact) => fact !== null);
  if (failure.status === 401) {
    return (
      <Empty title={`Sign in to see ${what.charAt(0).toLowerCase()}${what.slice(1)}.`}>
        <a class="button" href={signInPath()}>
          Sign in
        </a>
      </Empty>
    );
  }
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{what} cannot be shown: </strong>
        {failure.message}
      </p>
      {facts.length > 0 && <p class="hint">{facts.join(" · ")}</p>}
      {retry && (
        <button type="button" onClick={retry}>
          Retry
        </button>
      )}
    </div>
  );
}

/** An answer, or what stands in its place. An older answer stays, dimmed, until there is a new one. */
export function Answered<Answer>({
  asked,
  what,
  lines,
  children,
}: {
  asked: Asked<Answer>;
  /** What was asked for, at the beginning of a sentence: "The runs". */
  what: string;
  lines?: number;
  children: (answer: Answer) => ComponentChildren;
}): JSX.Element {
  const { answer, failure, stale, again } = asked;
  return (
    <>
      {failure && <Trouble what={what} failure={failure} retry={again} />}
      {answer === undefined
        ? !failure && <Skeleton lines={lines ?? 6} name={what.toLowerCase()} />
        : <div class={stale || failure ? "answered stale" : "answered"}>{children(answer)}</div>}
    </>
  );
}
