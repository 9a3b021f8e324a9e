// The text of a file in pieces: more when it is asked for, and what is added at the end while somebody follows.

import { useEffect, useRef, useState } from "preact/hooks";
import { readPiece } from "../../../api/artifacts.ts";
import { Failure, wasGivenUp } from "../../../api/client.ts";
import { LogText, isBinary } from "../../../lib/log_text.ts";
import type { Line } from "../../../lib/log_text.ts";
import type { FoundLine } from "../../../lib/text_search.ts";
import { asFailure } from "../../../state/ask.ts";
import type { Shown } from "./file_frame.tsx";
import { FIRST_BYTES } from "./whole.ts";

/** Pause between two looks at a file that is followed, ms: as of all that is live (state/live.ts). */
const FOLLOW_MS = 5_000;
const NEWLINE = 10;
/** The status where a file has none of the bytes that were asked for. */
const SHORTER = 416;

/** What makes lines, or rows, of bytes. */
interface Reader<Item> {
  add: (bytes: Uint8Array) => void;
  lines: () => readonly Item[];
}

/** How a file is read. */
interface Way<Item> {
  /** A reader of what begins at the beginning of the file, or after it; then `before` tells how many lines there are before, if somebody counted. */
  reader: (cut: boolean, before: number | null) => Reader<Item>;
  /** As much of a file as is held at once, bytes. */
  most: number;
}

/** A file as lines of text. */
export const AS_LINES: Way<Line> = { reader: (cut, before) => new LogText(cut, before), most: 16 * FIRST_BYTES };

/** What is held of a file. */
interface Held<Item> {
  reader: Reader<Item>;
  lines: readonly Item[];
  /** The part of the file that it is, and how large the file was then, bytes. */
  from: number;
  to: number;
  size: number;
  binary: boolean;
}

export interface Text<Item> extends Omit<Held<Item>, "reader"> {
  /** Whether no more of the file can be held. */
  full: boolean;
  failure: Failure | undefined;
  waiting: boolean;
  more: () => void;
  end: () => void;
  beginning: () => void;
  /** Goes to the surroundings of a line. */
  jump: (line: FoundLine) => void;
  retry: () => void;
}

type Part = { from: number; to: number } | { last: number };

/** A file as it is read in a way, which must be the same each time. */
export function useText<Item>({ run, path, bytes }: Shown, way: Way<Item>, follow = false): Text<Item> {
  const id = run.info.run_id;
  const [held, hold] = useState<Held<Item>>();
  const [failure, fail] = useState<Failure>();
  const [waiting, wait] = useState(true);
  const stop = useRef(new AbortController());
  const last = useRef<(signal: AbortSignal) => Promise<Held<Item> | null>>(undefined);

  /** Does one thing after giving up what was being done; what fails can be tried again. */
  const act = async (work: (signal: AbortSignal) => Promise<Held<Item> | null>): Promise<void> => {
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
  const begin = async (part: Part, signal: AbortSignal, line?: FoundLine): Promise<Held<Item>> => {
    const { bytes: found, from, size } = await readPiece(id, path, part, signal);
    const before = from === 0 ? 0 : line === undefined ? null : line.number - newlines(found.subarray(0, line.at - from));
    const reader = way.reader(from > 0, before);
    const binary = isBinary(found);
    if (!binary) reader.add(found);
    return { reader, lines: reader.lines(), from, to: from + found.length, size, binary };
  };
  /** With what follows, up to before a place. */
  const extend = async (before: Held<Item>, to: number, signal: AbortSignal): Promise<Held<Item>> => {
    // The last byte comes again, so that there is an answer also where nothing was added.
    const piece = await readPiece(id, path, { from: before.to - 1, to }, signal).catch((cause: unknown) => {
      if (cause instanceof Failure && cause.status === SHORTER) return null;
      throw cause;
    });
    // It was written anew.
    if (piece === null || piece.size < before.size) return tail(signal);
    const { bytes: found, size } = piece;
    const added = found.subarray(1);
    if (added.length === 0) return { ...before, size };
    before.reader.add(added);
    return { ...before, lines: before.reader.lines(), to: before.to + added.length, size };
  };
  const first = (signal: AbortSignal): Promise<Held<Item>> => begin({ from: 0, to: FIRST_BYTES }, signal);
  const tail = (signal: AbortSignal): Promise<Held<Item>> => begin({ last: FIRST_BYTES }, signal);
  /** With what was added since, or the end anew where that is too much to hold. */
  const grown = (before: Held<Item>, signal: AbortSignal): Promise<Held<Item>> =>
    before.to < before.size || before.to - before.from >= way.most ? tail(signal) : extend(before, before.to + FIRST_BYTES, signal);

  useEffect(() => {
    void act(first);
    return () => stop.current.abort();
  }, [id, path]);

  const latest = useRef(held);
  latest.current = held;
  useEffect(() => {
    if (!follow) return;
    let over = false;
    const look = async (): Promise<void> => {
      const { current } = latest;
      if (!document.hidden) await act((signal) => (current === undefined ? tail(signal) : grown(current, signal)));
      if (!over) timer = setTimeout(look, FOLLOW_MS);
    };
    let timer = setTimeout(look, 0);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [follow]);

  const { reader: _, ...told } = held ?? { reader: null, lines: [], from: 0, to: 0, size: bytes, binary: false };
  return {
    ...told,
    full: told.to - told.from >= way.most,
    failure,
    waiting,
    more: () => void act(async (signal) => (held ? extend(held, held.to + FIRST_BYTES, signal) : null)),
    end: () => void act(tail),
    beginning: () => void act(first),
    jump: (line) => void act((signal) => begin({ from: Math.max(0, line.at - FIRST_BYTES / 2), to: line.at + FIRST_BYTES / 2 }, signal, line)),
    retry: () => void (last.current && act(last.current)),
  };
}

function newlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
