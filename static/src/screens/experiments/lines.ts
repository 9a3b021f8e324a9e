// Which experiments the table shows, in which order, and as which tree. Pure.

import { NOTE } from "../../api/experiments.ts";
import type { Experiment } from "../../api/experiments.ts";

/** What a table is sorted by, as it stands in the address. */
export const SORT_KEYS = ["name", "runs", "running", "failed", "activity", "users", "size"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  key: SortKey;
  descending: boolean;
}

/** The latest activity comes first. */
export const STANDARD_SORT: Sort = { key: "activity", descending: true };

/** What is told of an experiment, or of all that are in a folder. */
export type Figures = Readonly<Record<Exclude<SortKey, "name">, number>>;

/** A line of the table. `label` is what is left of the name below its folders. */
export type Line =
  | { kind: "experiment"; key: string; depth: number; label: string; experiment: Experiment }
  | { kind: "folder"; key: string; depth: number; label: string; path: string; isOpen: boolean; inside: readonly Experiment[]; figures: Figures };

/** How the table is looked at. */
export interface Look {
  sort: Sort;
  /** Ids of those that stay on top. */
  starred: ReadonlySet<string>;
  /** Whether a slash in a name makes a folder. */
  isTree: boolean;
  /** Paths of folders whose content is shown. */
  open: ReadonlySet<string>;
  /** Whether all folders are open. */
  allOpen: boolean;
}

/** Reads `-activity`; what means nothing is the standard. */
export function parseSort(text: string | undefined): Sort {
  const key = SORT_KEYS.find((name) => name === text?.replace(/^-/, ""));
  return key === undefined ? STANDARD_SORT : { key, descending: text?.startsWith("-") ?? false };
}

/** As it stands in the address; the standard does not. */
export function formatSort({ key, descending }: Sort): string | undefined {
  if (key === STANDARD_SORT.key && descending === STANDARD_SORT.descending) return undefined;
  return `${descending ? "-" : ""}${key}`;
}

/** The sort after a click on a column: names begin with A, figures with the greatest; once more turns it. */
export function nextSort(sort: Sort, key: SortKey): Sort {
  return sort.key === key ? { key, descending: !sort.descending } : { key, descending: key !== "name" };
}

/** The description of an experiment, "" where it has none. */
export function noteOf(experiment: Experiment): string {
  return experiment.tags?.find((tag) => tag.key === NOTE)?.value ?? "";
}

/** The tags that people set. */
export function ownTags(experiment: Experiment): readonly { key: string; value: string }[] {
  return (experiment.tags ?? []).filter((tag) => !tag.key.startsWith("mlflow."));
}

/** The experiments in which every word is found: in the name, the description, a tag or a user. */
export function matching(experiments: readonly Experiment[], filter: string): readonly Experiment[] {
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return experiments;
  return experiments.filter((experiment) => {
    const tags = ownTags(experiment).map((tag) => `${tag.key}=${tag.value}`);
    const text = [experiment.name, noteOf(experiment), ...experiment.users, ...tags].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The lines of the table. */
export function linesOf(experiments: readonly Experiment[], look: Look): readonly Line[] {
  return level(experiments, look, "", 0);
}

/** The lines below a folder, whose path ends with a slash; "" is above all. */
function level(experiments: readonly Experiment[], look: Look, above: string, depth: number): readonly Line[] {
  const folders = new Map<string, Experiment[]>();
  const here: Line[] = [];
  for (const experiment of experiments) {
    const label = experiment.name.slice(above.length);
    // A slash at the beginning or at the end parts nothing from nothing.
    const slash = look.isTree ? label.indexOf("/", 1) : -1;
    if (slash < 0 || slash === label.length - 1) {
      here.push({ kind: "experiment", key: experiment.experiment_id, depth, label, experiment });
    } else {
      const path = above + label.slice(0, slash + 1);
      folders.set(path, [...(folders.get(path) ?? []), experiment]);
    }
  }
  for (const [path, inside] of folders) {
    const isOpen = look.allOpen || look.open.has(path);
    here.push({ kind: "folder", key: `folder ${path}`, depth, label: path.slice(above.length), path, isOpen, inside, figures: sumOf(inside) });
  }
  here.sort(orderBy(look));
  return here.flatMap((line) => (line.kind === "folder" && line.isOpen ? [line, ...level(line.inside, look, line.path, depth + 1)] : [line]));
}

/** What is told of one experiment. */
export function figuresOf(experiment: Experiment): Figures {
  return {
    runs: experiment.runs,
    running: experiment.running,
    failed: experiment.failed_recently,
    activity: experiment.last_activity,
    users: experiment.user_count,
    size: experiment.artifact_bytes,
  };
}

function sumOf(experiments: readonly Experiment[]): Figures {
  const sum = { runs: 0, running: 0, failed: 0, activity: 0, users: 0, size: 0 };
  for (const experiment of experiments) {
    const figures = figuresOf(experiment);
    for (const key of ["runs", "running", "failed", "size"] as const) sum[key] += figures[key];
    sum.activity = Math.max(sum.activity, figures.activity);
    // Who works in several of them counts once where all are told.
    sum.users = Math.max(sum.users, figures.users);
  }
  const names = new Set(experiments.flatMap((experiment) => experiment.users));
  return { ...sum, users: Math.max(sum.users, names.size) };
}

const byName = new Intl.Collator("en", { numeric: true });

function orderBy({ sort, starred }: Look): (one: Line, other: Line) => number {
  const turn = sort.descending ? -1 : 1;
  const star = (line: Line): number => (line.kind === "experiment" && starred.has(line.experiment.experiment_id) ? 0 : 1);
  const figure = (line: Line, key: keyof Figures): number => (line.kind === "folder" ? line.figures[key] : figuresOf(line.experiment)[key]);
  return (one, other) => {
    const names = byName.compare(one.label, other.label);
    const { key } = sort;
    return star(one) - star(other) || turn * (key === "name" ? names : figure(one, key) - figure(other, key)) || names;
  };
}
