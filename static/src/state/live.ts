// Learns what changed on the server while somebody looks, by asking: proxies and tunnels break what is pushed.

import { computed, signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Failure, own, withQuery } from "../api/client.ts";

/** Pause between two looks, ms; after {@link QUIET_MS} without a change it is longer. */
const PAUSE_MS = 5_000;
const LONG_PAUSE_MS = 30_000;
const QUIET_MS = 10 * 60_000;
/** Longest pause when the server does not answer, ms. */
const LONGEST_PAUSE_MS = 60_000;

/** What of a run changed. */
export interface RunChange {
  run_id: string;
  experiment_id: string;
  kinds: readonly ("points" | "params" | "info")[];
}

/** What changed since the look before. With `reset` anything may have. */
export interface Changes {
  cursor: string;
  reset: boolean;
  experiments: readonly string[];
  runs: readonly RunChange[];
}

/** How the server is reached. `lastMs` is when it answered last. */
export interface Connection {
  state: "unknown" | "connected" | "lost" | "refused";
  lastMs: number | null;
}

/** Whether the server answers, as the looks at it tell. */
export const connection = signal<Connection>({ state: "unknown", lastMs: null });

/** Whether the server answers, without when: what follows this hears of changes alone. */
export const connected = computed(() => connection.value.state);

/** Rises when anything but points was heard of: a run began, ended, was renamed. */
export const stirred = signal(0);

/** Those who look at the server now. */
const lookers = new Set<() => void>();

/** Looks at the server at once, whatever the pause. */
export function lookNow(): void {
  for (const look of lookers) look();
}

/** Those who hear of the changes in some experiments. However many they are, the server is asked once. */
interface Audience {
  hearers: Set<(changes: Changes) => void>;
  end: () => void;
}

/** Where the last look ended, whoever it was for: a screen that opens hears of what changed since. */
let known: string | undefined;

/** By the ids of the experiments, in order. */
const audiences = new Map<string, Audience>();

/**
 * Calls `changed` with what changes in these experiments (in all, where none are named) while the component is there and the
 * page can be seen; also once when the connection is back.
 */
export function useChanges(experiments: readonly string[], changed: (changes: Changes) => void): void {
  const latest = useRef(changed);
  latest.current = changed;
  const scope = [...experiments].sort().join(",");
  // Before the page is painted, as what the screen asks.
  useLayoutEffect(() => hear(scope, (changes) => latest.current(changes)), [scope]);
}

/** Adds a hearer to the audience of a scope, until what this returns is called. */
function hear(scope: string, hearer: (changes: Changes) => void): () => void {
  const { hearers, end } = audiences.get(scope) ?? gather(scope);
  hearers.add(hearer);
  return () => {
    hearers.delete(hearer);
    if (hearers.size > 0) return;
    audiences.delete(scope);
    end();
  };
}

function gather(scope: string): Audience {
  const hearers: Audience["hearers"] = new Set();
  const tellAll = (changes: Changes): void => {
    for (const hearer of hearers) hearer(changes);
  };
  const audience = { hearers, end: followChanges(scope === "" ? [] : scope.split(","), tellAll) };
  audiences.set(scope, audience);
  return audience;
}

/** Looks at the server again and again, until what this returns is called. */
function followChanges(experiments: readonly string[], changed: (changes: Changes) => void): () => void {
  const end = new AbortController();
  let cursor = known;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = PAUSE_MS;
  let lastChangeMs = Date.now();
  let looking = false;

  const look = async (): Promise<void> => {
    if (looking || end.signal.aborted) return;
    looking = true;
    clearTimeout(timer);
    try {
      const query = { since: cursor, experiment_ids: experiments };
      const changes = await own<Changes>("GET", withQuery("changes", query), undefined, end.signal);
      const first = cursor === undefined;
      cursor = known = changes.cursor;
      connection.value = { state: "connected", lastMs: Date.now() };
      if (!first && (changes.reset || changes.runs.length > 0 || changes.experiments.length > 0)) {
        lastChangeMs = Date.now();
        if (changes.reset || changes.experiments.length > 0 || changes.runs.some(({ kinds }) => kinds.includes("info"))) stirred.value += 1;
        changed(changes);
      }
      pauseMs = Date.now() - lastChangeMs > QUIET_MS ? LONG_PAUSE_MS : PAUSE_MS;
    } catch (cause) {
      if (end.signal.aborted) return;
      const refused = cause instanceof Failure && cause.status === 401;
      connection.value = { state: refused ? "refused" : "lost", lastMs: connection.value.lastMs };
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    } finally {
      looking = false;
    }
    if (!document.hidden) timer = setTimeout(look, pauseMs);
  };
  const seen = (): void => {
    if (document.hidden) clearTimeout(timer);
    else void look();
  };
  const lookAtOnce = (): void => void look();
  document.addEventListener("visibilitychange", seen);
  lookers.add(lookAtOnce);
  void look();
  return () => {
    end.abort();
    lookers.delete(lookAtOnce);
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
