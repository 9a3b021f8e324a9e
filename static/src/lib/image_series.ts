// Files of a folder whose names differ in one number, as series of pictures with a step each. Pure.

import { artifactKind } from "./artifact_kind.ts";

/** A file as a listing has it. */
interface Named {
  name: string;
  is_dir: boolean;
  size_bytes?: number;
  modified_ms?: number;
}

/** A picture of a series. */
export interface Frame<File extends Named = Named> {
  step: number;
  file: File;
}

/** Pictures that are one thing at different steps, by step; at least two. */
export interface Series<File extends Named = Named> {
  /** What their names share, which is the same in every run: `loss_epoch*.jpg`. */
  key: string;
  /** What to call it. */
  name: string;
  frames: readonly Frame<File>[];
}

/** The pictures of a folder. */
export interface Pictures<File extends Named = Named> {
  series: readonly Series<File>[];
  /** Those that are in no series. */
  single: readonly File[];
}

/** What `log_image(key=…, step=…)` of MLflow's clients writes: `%` up to 2.x, `+` since. */
const LOGGED = /^(.+)([%+])step\2(-?\d{1,15})\2timestamp\2(\d{1,15})\2[^%+]+?(?:\2(compressed))?\.(?:png|webp)$/;
/** Words before a number that say that it is the step, the strongest first. */
const STEP_WORDS = [/epochs?[^a-z]?$/i, /(?:^|[^a-z])(?:step|iter|iteration)s?[^a-z]?$/i];
/** A longer number is no step: an id, a time. */
const MOST_DIGITS = 15;

/** A name as texts with numbers between them: one text more than numbers. */
interface Parts {
  texts: string[];
  numbers: string[];
}

/** The series among the files of a folder and the pictures that are left, in the order of the files. */
export function imageSeries<File extends Named>(files: readonly File[]): Pictures<File> {
  const images = files.filter(isPicture);
  const { logged, again, others } = takeLogged(images);
  const found = [...logged].filter(([, frames]) => frames.length > 1).map(([key, frames]): Series<File> => ({ key: `${key}+step+*`, name: loggedName(key), frames }));
  found.push(...numbered(others));
  const place = new Map(images.map((file, index) => [file, index]));
  const start = ({ frames: [first] }: Series<File>): number => (first && place.get(first.file)) ?? 0;
  const used = new Set([...again, ...found.flatMap(({ frames }) => frames.map(({ file }) => file))]);
  return { series: found.sort((one, other) => start(one) - start(other)), single: images.filter((file) => !used.has(file)) };
}

/** A picture, or a series of them, that some of several runs have: for each run its frames, none where it has none. */
export interface Shared<File extends Named = Named> {
  key: string;
  name: string;
  frames: readonly (readonly Frame<File>[])[];
}

/** What there is to compare in the same folder of several runs: what most of them have comes first, and series before pictures. */
export function sharedSeries<File extends Named>(folders: readonly (readonly File[])[]): readonly Shared<File>[] {
  const found = new Map<string, { name: string; frames: Frame<File>[][] }>();
  const add = (run: number, key: string, name: string, frames: readonly Frame<File>[]): void => {
    const shared = found.get(key) ?? { name, frames: folders.map(() => []) };
    found.set(key, shared);
    shared.frames[run]?.push(...frames);
  };
  const others = folders.map((files, run) => {
    const taken = takeLogged(files.filter(isPicture));
    for (const [key, frames] of taken.logged) add(run, `${key}+step+*`, loggedName(key), frames);
    return taken.others;
  });
  // Names of all runs together: what is a step in one is one in the others.
  const places = new Map<string, { key: string; step: number }>();
  const names = new Map(others.flat().map((file) => [file.name, file]));
  for (const { key, frames } of numbered([...names.values()])) for (const { step, file } of frames) places.set(file.name, { key, step });
  others.forEach((files, run) => {
    for (const file of files) {
      const { key, step } = places.get(file.name) ?? { key: file.name, step: 0 };
      add(run, key, key, [{ step, file }]);
    }
  });
  const runs = ({ frames }: Shared<File>): number => frames.filter(({ length }) => length > 0).length;
  const isSeries = ({ frames }: Shared<File>): number => Number(new Set(frames.flat().map(({ step }) => step)).size > 1);
  return [...found]
    .map(([key, { name, frames }]) => ({ key, name, frames: frames.map(byStep) }))
    .sort((one, other) => runs(other) - runs(one) || isSeries(other) - isSeries(one));
}

function isPicture({ name, is_dir: isFolder }: Named): boolean {
  return !isFolder && artifactKind(name) === "image";
}

/** MLflow's clients write `#` for `/`. */
function loggedName(key: string): string {
  return key.replaceAll("#", "/");
}

/** The place of the last frame that is not after a step; the first where all are. */
export function frameAt(steps: readonly number[], step: number): number {
  let from = 0;
  let to = steps.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((steps[middle] ?? 0) <= step) from = middle + 1;
    else to = middle;
  }
  return Math.max(0, from - 1);
}

/** A step to another of some steps, which are in order, or to itself at their ends. */
export function stepped(steps: readonly number[], step: number | null, by: number): number | null {
  const at = step === null ? 0 : frameAt(steps, step);
  return steps[Math.min(steps.length - 1, Math.max(0, at + by))] ?? null;
}

/**
 * Takes what MLflow's clients named out of some pictures: by key its frames. Of a step the one that was logged last, in full size,
 * is kept; `again` are its others.
 */
function takeLogged<File extends Named>(images: readonly File[]): { logged: Map<string, Frame<File>[]>; again: readonly File[]; others: readonly File[] } {
  const known = new Map<string, Map<number, { file: File; rank: number }>>();
  const again: File[] = [];
  const others: File[] = [];
  for (const file of images) {
    const [, key, , step, time, small] = LOGGED.exec(file.name) ?? [];
    if (key === undefined) {
      others.push(file);
      continue;
    }
    const frames = known.get(key) ?? new Map<number, { file: File; rank: number }>();
    known.set(key, frames);
    // Of one time the one that is not made smaller.
    const rank = Number(time) + (small === undefined ? 0.5 : 0);
    const before = frames.get(Number(step));
    if (before !== undefined) again.push(before.rank < rank ? before.file : file);
    if (before === undefined || before.rank < rank) frames.set(Number(step), { file, rank });
  }
  const logged = new Map([...known].map(([key, frames]) => [key, byStep([...frames].map(([step, { file }]) => ({ step, file })))]));
  return { logged, again, others };
}

/** The series of pictures whose names differ in one number. */
function numbered<File extends Named>(images: readonly File[]): Series<File>[] {
  const alike = new Map<string, { file: File; parts: Parts }[]>();
  for (const file of images) {
    const parts = partsOf(file.name);
    const shape = parts.texts.join("\0");
    const there = alike.get(shape);
    if (there === undefined) alike.set(shape, [{ file, parts }]);
    else there.push({ file, parts });
  }
  return [...alike.values()].flatMap(split);
}

function partsOf(name: string): Parts {
  const end = name.lastIndexOf(".");
  const texts = [""];
  const numbers: string[] = [];
  for (const piece of name.slice(0, end).split(/(\d+)/)) {
    if (/^\d+$/.test(piece) && piece.length <= MOST_DIGITS) {
      numbers.push(piece);
      texts.push("");
    } else {
      texts[texts.length - 1] += piece;
    }
  }
  texts[texts.length - 1] += name.slice(end);
  return { texts, numbers };
}

/** The series of files whose names differ in numbers alone: of the numbers that vary one is the step, the others make series. */
function split<File extends Named>(group: readonly { file: File; parts: Parts }[]): Series<File>[] {
  const texts = group[0]?.parts.texts ?? [];
  const values = texts.slice(1).map((_, index) => new Set(group.map(({ parts }) => parts.numbers[index])).size);
  const step = stepPlace(texts, values);
  if (step === null) return [];
  const found = new Map<string, Map<number, File>>();
  for (const { file, parts } of group) {
    const key = parts.texts.map((text, index) => text + (index === step ? "*" : (parts.numbers[index] ?? ""))).join("");
    const frames = found.get(key) ?? new Map<number, File>();
    found.set(key, frames);
    const at = Number(parts.numbers[step]);
    // `1` and `01` are one step: the second is a picture by itself.
    if (!frames.has(at)) frames.set(at, file);
  }
  return [...found]
    .filter(([, frames]) => frames.size > 1)
    .map(([key, frames]) => ({ key, name: key, frames: byStep([...frames].map(([at, file]) => ({ step: at, file }))) }));
}

/** Which of the numbers that vary is the step: one that is called so, else the one with the most values, else the last. */
function stepPlace(texts: readonly string[], values: readonly number[]): number | null {
  const varying = values.flatMap((count, index) => (count > 1 ? [index] : [])).reverse();
  for (const word of STEP_WORDS) {
    const called = varying.find((index) => word.test(texts[index] ?? ""));
    if (called !== undefined) return called;
  }
  const most = Math.max(...varying.map((index) => values[index] ?? 0));
  return varying.find((index) => values[index] === most) ?? null;
}

function byStep<File extends Named>(frames: Frame<File>[]): Frame<File>[] {
  return frames.sort((one, other) => one.step - other.step);
}
