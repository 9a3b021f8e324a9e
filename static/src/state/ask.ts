// What a component asks the server, and how far the answer is.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Failure, wasGivenUp } from "../api/client.ts";
import { connected } from "./live.ts";

/**
 * A question and what came of it so far. What was answered before stays until there is something new, or until it turns out to
 * be for others than who is here.
 */
export interface Asked<Answer> {
  answer: Answer | undefined;
  /** Why the last attempt failed; undefined once an answer came. */
  failure: Failure | undefined;
  /** Whether an answer is waited for. */
  waiting: boolean;
  /** Whether `answer` is that to an earlier question. */
  stale: boolean;
  /** Asks again. */
  again: () => void;
}

interface Kept<Answer> {
  key: string;
  answer: Answer;
}

/**
 * Asks when the component appears, when `key` changes, and on `again()`. `key` says all that the question depends on; null asks
 * nothing. An answer that nobody waits for any more is dropped.
 */
export function useAsk<Answer>(key: string | null, question: (signal: AbortSignal) => Promise<Answer>): Asked<Answer> {
  const [kept, keep] = useState<Kept<Answer>>();
  const [failure, fail] = useState<Failure>();
  const [waiting, wait] = useState(key !== null);
  const [round, setRound] = useState(0);
  const latest = useRef(question);
  latest.current = question;

  // Before the page is painted, which takes as long as an answer does.
  useLayoutEffect(() => {
    if (key === null) return;
    const end = new AbortController();
    wait(true);
    latest
      .current(end.signal)
      .then((answer) => {
        if (end.signal.aborted) return;
        keep({ key, answer });
        fail(undefined);
        wait(false);
      })
      .catch((cause: unknown) => {
        if (end.signal.aborted || wasGivenUp(cause)) return;
        const why = asFailure(cause);
        if (why.status === 401) keep(undefined);
        fail(why);
        wait(false);
      });
    return () => end.abort();
  }, [key, round]);

  const again = useCallback(() => setRound((before) => before + 1), []);
  const failed = useRef(failure);
  failed.current = failure;
  useEffect(() => {
    let before = connected.peek();
    return connected.subscribe((state) => {
      // The server is back, or somebody signed in elsewhere: what failed may be had now. Or signed out: what is here is not for them.
      const isBack = state === "connected" && before !== "unknown" && failed.current !== undefined;
      if (state !== before && (isBack || (state === "refused" && before === "connected"))) again();
      before = state;
    });
  }, []);
  return { answer: kept?.answer, failure, waiting, stale: kept !== undefined && kept.key !== key, again };
}

/** Asks again when `version` changes; what is on its way is waited for first, however often that happens. */
export function useAskAnew({ waiting, again }: Asked<unknown>, version: number): void {
  const seen = useRef(version);
  useEffect(() => {
    if (waiting || version === seen.current) return;
    seen.current = version;
    again();
  }, [waiting, version]);
}

/** Anything that was thrown, as a failure that can be shown. */
export function asFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return new Failure(0, cause instanceof Error ? cause.message : String(cause));
}
