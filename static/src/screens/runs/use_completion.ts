// What may stand at the cursor of the search line, and what is wrong with the line: both as the server's parser says.

import { useEffect, useRef, useState } from "preact/hooks";
import { complete } from "../../api/runs.ts";
import type { Completion } from "../../api/runs.ts";
import { plainWords } from "../../lib/filter.ts";

/** The pause in typing after which the server is asked, ms. */
const PAUSE_MS = 120;

/** An answer, and the text that it is about. */
export interface Completed {
  text: string;
  completion: Completion;
}

/**
 * Completes `text` at the cursor while `active`. Plain words need no parser and have no mistakes. What cannot be had leaves the
 * line as it is: the table says why its answer failed.
 */
export function useCompletion(experiments: readonly string[] | null, text: string, at: number, active: boolean): Completed | null {
  const [completed, setCompleted] = useState<Completed | null>(null);
  const first = useRef(true);
  const scope = experiments?.join() ?? null;
  useEffect(() => {
    if (scope === null || experiments === null || (!active && plainWords(text) !== null) || (text.trim() === "" && !active)) {
      setCompleted(null);
      return;
    }
    const end = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const completion = await complete(experiments, text, at, end.signal);
        if (!end.signal.aborted) setCompleted({ text, completion });
      } catch {
        if (!end.signal.aborted) setCompleted({ text, completion: { from: at, to: at, expects: null, suggestions: [], error: null } });
      }
    };
    const timer = setTimeout(() => void ask(), first.current ? 0 : PAUSE_MS);
    first.current = false;
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [scope, text, at, active]);
  return completed;
}
