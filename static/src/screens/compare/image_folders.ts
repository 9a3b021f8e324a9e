// The folders of runs that have images, found with few requests.

import { listFolder, listMost } from "../../api/artifacts.ts";
import type { Entry } from "../../api/artifacts.ts";
import { artifactKind, joined } from "../../lib/artifact_kind.ts";

/** As many folders of a run are looked into, and of all runs until one has images; and as deep. */
const MOST_FOLDERS = 30;
const MOST_LOOKS = 60;
const MOST_LEVELS = 4;
/** Folders of these names are looked into first. */
const LIKELY = /image|plot|fig|pic|map|pred|eval|valid|sample/i;

/** The folders with images of one of some runs. */
export interface ImageFolders {
  /** The first of the runs that has any; the base, if it does. */
  run: string;
  folders: readonly string[];
  /** The one of them with the most images. */
  best: string;
  /** Whether it has folders that were not looked into. */
  more: boolean;
}

/** Null where none of the runs that were looked through has an image. */
export async function findImageFolders(runs: readonly string[], signal: AbortSignal): Promise<ImageFolders | null> {
  let left = MOST_LOOKS;
  for (const run of runs) {
    const { looks, ...found } = await foldersOf(run, Math.min(left, MOST_FOLDERS), signal);
    if (found.folders.length > 0) return found;
    left -= looks;
    if (left <= 0) break;
  }
  return null;
}

async function foldersOf(run: string, most: number, signal: AbortSignal): Promise<ImageFolders & { looks: number }> {
  const folders = new Map<string, number>();
  const wanted = [{ path: "", level: 0 }];
  let looks = 0;
  let tooDeep = false;
  for (; looks < most; looks += 1) {
    const next = wanted.shift();
    if (next === undefined) break;
    const { path, level } = next;
    const { files } = await listFolder(run, path, undefined, signal);
    const images = files.filter(isImage).length;
    if (images > 0) folders.set(path, images);
    const inside = files.filter(({ is_dir: isFolder }) => isFolder).map(({ name }) => joined(path, name));
    if (level + 1 > MOST_LEVELS) tooDeep ||= inside.length > 0;
    else for (const folder of inside) wanted[LIKELY.test(folder) ? "unshift" : "push"]({ path: folder, level: level + 1 });
  }
  const [best = ""] = [...folders].sort(([, one], [, other]) => other - one)[0] ?? [];
  return { run, folders: [...folders.keys()].sort(), best, more: wanted.length > 0 || tooDeep, looks };
}

/** The images of a folder in each of some runs; none where a run has no such folder. */
export interface FolderOfAll {
  folder: string;
  files: ReadonlyMap<string, readonly Entry[]>;
  /** Whether the folder of a run has files that were not read. */
  more: boolean;
}

export async function listInAll(runs: readonly string[], folder: string, signal: AbortSignal): Promise<FolderOfAll> {
  const lists = await Promise.all(runs.map((run) => listMost(run, folder, signal)));
  return {
    folder,
    files: new Map(lists.map(({ files }, place) => [runs[place] ?? "", files.filter(isImage)])),
    more: lists.some(({ next_page_token: next }) => next !== undefined),
  };
}

function isImage({ name, is_dir: isFolder }: Entry): boolean {
  return !isFolder && artifactKind(name) === "image";
}
