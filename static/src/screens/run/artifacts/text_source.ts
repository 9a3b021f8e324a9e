// The text of a file in pieces: more when it is asked for, and what is added at the end while somebody follows.

import { useEffect, useRef, useState } from "preact/hooks";
import { readPiece } from "../../../api/artifacts.ts";
import type { Failure } from "../../../api/client.ts";
import { wasGivenUp } from "../../../api/client.ts";
import { LogText, isBinary } from "../../../lib/log_text.ts";
import type { Line } from "../../../lib/log_text.ts";
import { asFailure } from "../../../state/ask.ts";
import type { Shown } from "./view.tsx";
import { FIRST_BYTES } from "./whole.ts";

/** As much of a file as is held at once, bytes. */
export const MOST_BYTES = 16 * FIRST_BYTES;
/** Pause between two looks at a file that is followed, ms. */
const FOLLOW_MS = 3_000;

/** What is held of a file. */
interface Held {
  log: LogText;
  lines: readonly Line[];
  /** The part of the file that it is, and how large the file was then, bytes. */
  from: number;
  to: number;
  size: number;
  binary: boolean;
}

export interface Text extends Omit<Held, "log"> {
  failure: Failure | undefined;
  waiting: boolean;
  more: () => void;
  end: () => void;
  beginning: () => void;
  retry: () => void;
}

export function useText({ run, path, bytes }: Shown, follow: boolean): Text {
  const id = run.info.run_id;
  const [held, hold] = useState<Held>();
  const [failure, fail] = useState<Failure>();
  const [waiting, wait] = useState(true);
  const stop = useRef(new AbortController());
  const last = useRef<(signal: AbortSignal) => Promise<Held | null>>(undefined);

  /** Does one thing after giving up what was being done; what fails can be tried again. */
  const act = async (work: (signal: AbortSignal) => Promise<Held | null>): Promise<void> => {
    stop.current.abort();
    const { signal } = (stop.current = new AbortController());
    last.current = work;
    wait(true);
    try {
      const next = await work(signal);
      if (signal.aborted) return;
      if (next) hold(next);
      fail(undefined);
    } catch (cause) {
      if (signal.aborted || wasGivenUp(cause)) return;
      fail(asFailure(cause));
    }
    wait(false);
  };
  const first = (signal: AbortSignal): Promise<Held> => begin(id, path, { from: 0, to: FIRST_BYTES }, signal);
  const tail = (signal: AbortSignal): Promise<Held> => begin(id, path, { last: FIRST_BYTES }, signal);
  useEffect(() => {
    void act(first);
    return () => stop.current.abort();
  }, [id, path]);

  useEffect(() => {
    if (!follow) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    let known = held;
    const look = async (): Promise<void> => {
      await act(async (signal) => (known = known && known.to >= known.size ? await grown(id, path, known, signal) : await tail(signal)));
      if (!over) timer = setTimeout(look, FOLLOW_MS);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [follow]);

  const { log: _, ...told } = held ?? { log: null, lines: [], from: 0, to: 0, size: bytes, binary: false };
  return {
    ...told,
    failure,
    waiting,
    more: () => void act(async (signal) => (held ? extend(id, path, held, held.to + FIRST_BYTES, signal) : null)),
    end: () => void act(tail),
    beginning: () => void act(first),
    retry: () => void (last.current && act(last.current)),
  };
}

async function begin(id: string, path: string, part: { from: number; to: number } | { last: number }, signal: AbortSignal): Promise<Held> {
  const { bytes, from, size } = await readPiece(id, path, part, signal);
  const log = new LogText(from > 0);
  const binary = isBinary(bytes);
  if (!binary) log.add(bytes);
  return { log, lines: log.lines(), from, to: from + bytes.length, size, binary };
}

/** With what follows, up to before a place. */
async function extend(id: string, path: string, held: Held, to: number, signal: AbortSignal): Promise<Held> {
  // The last byte comes again, so that there is an answer also where nothing was added.
  const { bytes, size } = await readPiece(id, path, { from: held.to - 1, to }, signal);
  const added = bytes.subarray(1);
  if (size < held.size) return begin(id, path, { last: FIRST_BYTES }, signal);
  held.log.add(added);
  return { ...held, lines: held.log.lines(), to: held.to + added.length, size };
}

/** With what was added since, or the end anew where that is too much to hold. */
function grown(id: string, path: string, held: Held, signal: AbortSignal): Promise<Held> {
  if (held.to - held.from >= MOST_BYTES) return begin(id, path, { last: FIRST_BYTES }, signal);
  return extend(id, path, held, held.to + FIRST_BYTES, signal);
}
