// The folders of a run that have been looked into, a page at a time.

import { useEffect, useRef, useState } from "preact/hooks";
import { listFolder } from "../../../api/artifacts.ts";
import type { Entry } from "../../../api/artifacts.ts";
import type { Failure } from "../../../api/client.ts";
import { wasGivenUp } from "../../../api/client.ts";
import { asFailure } from "../../../state/ask.ts";

/** What is known of a folder. */
export interface Listed {
  files: readonly Entry[];
  /** How many names it holds in all. */
  total: number;
  /** What asks for those that follow. */
  next?: string;
  failure?: Failure;
  waiting: boolean;
}

export interface Folders {
  known: ReadonlyMap<string, Listed>;
  /** Looks into a folder that has not been looked into. */
  look: (path: string) => void;
  /** Asks for those of its entries that follow. */
  more: (path: string) => void;
  /** Forgets everything and looks into these folders anew. */
  refresh: (paths: readonly string[]) => void;
  /** Looks into these folders once more; what is known stays until there is something new. */
  update: (paths: readonly string[]) => void;
}

const UNKNOWN: Listed = { files: [], total: 0, waiting: false };

export function useFolders(run: string): Folders {
  const [known, setKnown] = useState<ReadonlyMap<string, Listed>>(new Map());
  // What has been asked must be known at once, not with the next rendering: two parts of the page ask for one folder.
  const latest = useRef(known);
  const end = useRef(new AbortController());
  useEffect(() => () => end.current.abort(), []);
  const set = (path: string, listed: Listed): void => {
    latest.current = new Map(latest.current).set(path, listed);
    setKnown(latest.current);
  };
  const ask = (path: string, before: Listed): void => {
    const { signal } = end.current;
    set(path, { files: before.files, total: before.total, ...(before.next !== undefined && { next: before.next }), waiting: true });
    listFolder(run, path, before.next, signal).then(
      ({ files, entries, next_page_token: next }) =>
        set(path, { files: [...before.files, ...files], total: entries, ...(next !== undefined && { next }), waiting: false }),
      (cause: unknown) => {
        if (!wasGivenUp(cause)) set(path, { ...before, failure: asFailure(cause), waiting: false });
      },
    );
  };
  /** As many pages of a folder as are known, once more; what cannot be had now is had the next time. */
  const again = async (path: string): Promise<void> => {
    const before = latest.current.get(path);
    if (before === undefined || before.waiting || before.failure) return;
    const { signal } = end.current;
    const files: Entry[] = [];
    let page = await listFolder(run, path, undefined, signal);
    files.push(...page.files);
    while (page.next_page_token !== undefined && files.length < before.files.length) {
      page = await listFolder(run, path, page.next_page_token, signal);
      files.push(...page.files);
    }
    // Somebody may have asked for more meanwhile; and what did not change draws nothing anew.
    if (latest.current.get(path) !== before || JSON.stringify(files) === JSON.stringify(before.files)) return;
    const { entries, next_page_token: next } = page;
    set(path, { files, total: entries, ...(next !== undefined && { next }), waiting: false });
  };
  return {
    known,
    look: (path) => {
      if (!latest.current.has(path)) ask(path, UNKNOWN);
    },
    more: (path) => {
      const before = latest.current.get(path) ?? UNKNOWN;
      if (!before.waiting) ask(path, before);
    },
    refresh: (paths) => {
      end.current.abort();
      end.current = new AbortController();
      latest.current = new Map();
      for (const path of paths) ask(path, UNKNOWN);
    },
    update: (paths) => {
      for (const path of paths) void again(path).catch(() => undefined);
    },
  };
}
