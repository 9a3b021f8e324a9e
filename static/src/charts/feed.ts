// Asks for the curves of cards: several cards in one request, as long as one grid of x serves them all.

import { readSeries } from "../api/series.ts";
import type { SeriesAnswer, SeriesRequest } from "../api/series.ts";
import { Failure } from "../api/client.ts";
import { isAtOneStep } from "./kind.ts";
import { spread, together, withMetrics } from "./batch.ts";
import { isDrawn, rangeOf, withParts } from "./origin.ts";
import type { Part } from "./origin.ts";

/** What a card asks for; `metrics` are those of the card. */
export type Question = Omit<SeriesRequest, "columns" | "digits" | "superseded">;

/** The curves of one card. */
export interface Curves extends SeriesAnswer {
  /** Whether x is the time since the start because all values are at one step. */
  overTime: boolean;
}

interface Waiting {
  question: Question;
  signal: AbortSignal;
  resolve: (answer: SeriesAnswer) => void;
  reject: (cause: unknown) => void;
}

/** Cards that appear at the same time ask together. */
const COLLECT_MS = 8;

let waiting: Waiting[] = [];

/**
 * The curves of a card, and of what forks among them come from. Where all values are at one step, the server is asked again for
 * them over time.
 */
export async function readCurves(question: Question, signal: AbortSignal, parts: readonly Part[] = [], hidden: ReadonlySet<string> = new Set()): Promise<Curves> {
  const answer = await ask(question, signal);
  if (question.x !== "step" || !isAtOneStep(answer.series)) {
    const missing = parts.filter((part) => !isDrawn(part, answer, hidden));
    const found = await Promise.all(missing.map((part) => readPart(part, question, signal)));
    return { ...withParts(answer, found.filter((one) => one !== null)), overTime: false };
  }
  const { range: _, ...all } = question;
  return { ...(await ask({ ...all, x: "relative" }, signal)), overTime: true };
}

/** The curves of a run as far as forks come from it; null where nothing of that is shown. */
async function readPart(part: Part, { joined: _, range: shown, ...question }: Question, signal: AbortSignal): Promise<{ part: Part; answer: SeriesAnswer } | null> {
  const range = rangeOf(part, shown ?? null);
  return range && { part, answer: await ask({ ...question, run_ids: [part.run], range }, signal) };
}

function ask(question: Question, signal: AbortSignal): Promise<SeriesAnswer> {
  return new Promise((resolve, reject) => {
    if (waiting.length === 0) setTimeout(send, COLLECT_MS);
    waiting.push({ question, signal, resolve, reject });
  });
}

function send(): void {
  const all = waiting.filter(({ signal }) => !signal.aborted);
  waiting = [];
  for (const group of together(all, ({ question }) => question)) void answer(group);
}

/** Asks for all of a group at once and gives each card its own; cards that the common grid does not serve are asked for anew. */
async function answer(group: readonly Waiting[]): Promise<void> {
  const end = new AbortController();
  const giveUp = (): void => {
    if (group.every(({ signal }) => signal.aborted)) end.abort();
  };
  for (const { signal } of group) signal.addEventListener("abort", giveUp);
  giveUp();
  try {
    const metrics = [...new Set(group.flatMap(({ question }) => question.metrics))];
    const found = await readSeries({ ...first(group).question, metrics, superseded: true, columns: ["mean", "min", "max"] }, end.signal);
    const groups = spread(group, found, ({ question }) => question.metrics);
    for (const served of groups.served) served.resolve(withMetrics(found, served.question.metrics));
    await Promise.all(groups.others.map(answer));
  } catch (cause) {
    // Together they may be more than the server answers at once.
    const isTooMuch = cause instanceof Failure && cause.status === 400 && group.length > 1;
    if (isTooMuch) await Promise.all(group.map((one) => answer([one])));
    else for (const { reject } of group) reject(cause);
  } finally {
    for (const { signal } of group) signal.removeEventListener("abort", giveUp);
  }
}

function first<Item>(items: readonly Item[]): Item {
  const [item] = items;
  if (item === undefined) throw new Error("a group has at least one member");
  return item;
}
