// A search of all of a file, a piece after the other, whatever its size.

import { useEffect, useRef, useState } from "preact/hooks";
import { readPiece } from "../../../api/artifacts.ts";
import type { Failure } from "../../../api/client.ts";
import { wasGivenUp } from "../../../api/client.ts";
import { LineSearch } from "../../../lib/text_search.ts";
import type { FoundLine } from "../../../lib/text_search.ts";
import { asFailure } from "../../../state/ask.ts";
import type { Shown } from "./file_frame.tsx";

/** As much is read at once, bytes. */
const PIECE_BYTES = 1_000_000;
/** As many lines are remembered; then the search ends. */
const MOST_FOUND = 10_000;

/** A search as far as it is. */
export interface FileSearch {
  text: string;
  found: readonly FoundLine[];
  /** Bytes that were looked through, of how many. */
  done: number;
  size: number;
  /** Whether it goes on. */
  busy: boolean;
  /** Whether it ended because too much was found. */
  full: boolean;
  failure?: Failure;
}

/** The search of a file, if there is one, and what begins and ends one. */
export function useFileSearch({ run, path }: Shown): [search: FileSearch | null, start: (text: string) => void, stop: () => void] {
  const [state, setState] = useState<FileSearch | null>(null);
  const end = useRef(new AbortController());
  useEffect(() => () => end.current.abort(), []);
  const start = async (text: string): Promise<void> => {
    end.current.abort();
    const { signal } = (end.current = new AbortController());
    const search = new LineSearch(text, MOST_FOUND);
    let done = 0;
    let size = Infinity;
    const tell = (busy: boolean, failure?: Failure): void =>
      setState({ text, found: [...search.found], done, size, busy, full: search.isFull, ...(failure && { failure }) });
    try {
      while (done < size && !search.isFull) {
        const piece = await readPiece(run.info.run_id, path, { from: done, to: done + PIECE_BYTES }, signal);
        // What is added meanwhile is not waited for: a training may write for days.
        size = Math.min(size, piece.size);
        search.add(piece.bytes);
        done += piece.bytes.length;
        if (signal.aborted) return;
        if (piece.bytes.length === 0) break;
        tell(true);
      }
      search.end();
      tell(false);
    } catch (cause) {
      if (!signal.aborted && !wasGivenUp(cause)) tell(false, asFailure(cause));
    }
  };
  const stop = (): void => {
    end.current.abort();
    setState((before) => before && { ...before, busy: false });
  };
  return [state, (text) => void start(text), stop];
}
