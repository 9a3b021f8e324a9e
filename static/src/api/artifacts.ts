import { Failure, ask, own, withQuery } from "./client.ts";

/** A file or a folder of a run. */
export interface Entry {
  name: string;
  is_dir: boolean;
  size_bytes?: number;
  modified_ms?: number;
}

/** A part of a folder, in the order of people: `epoch_2` before `epoch_10`. */
export interface Folder {
  root_uri: string;
  entries: number;
  files: readonly Entry[];
  next_page_token?: string;
}

/** Entries of a page that is shown, and the most that the server tells at once. */
const PAGE = 500;
const MOST_ENTRIES = 10_000;

export function listFolder(run: string, path: string, pageToken?: string, signal?: AbortSignal, most = PAGE): Promise<Folder> {
  const query = { run_id: run, path: path === "" ? undefined : path, max_results: most, page_token: pageToken };
  return own("GET", withQuery("artifacts", query), undefined, signal);
}

/** As much of a folder as is told at once: ten thousand names. */
export function listMost(run: string, path: string, signal: AbortSignal): Promise<Folder> {
  return listFolder(run, path, undefined, signal, MOST_ENTRIES);
}

/** Where a file is to be had; browsers keep what may run scripts from being shown there. */
export function fileUrl(run: string, path: string): string {
  return withQuery("get-artifact", { run_id: run, path });
}

/** Where an HTML or SVG file is to be had as a page that has no rights; with `scripts` its own scripts run there. */
export function pageUrl(run: string, path: string, scripts: boolean): string {
  return withQuery("api/windvane/v1/artifacts/page", { run_id: run, path, scripts: scripts ? 1 : undefined });
}

/** Where a folder, or everything of a run, is to be had as a ZIP archive. */
export function folderZip(run: string, path: string): string {
  return withQuery("api/windvane/v1/export/artifacts", { run_id: run, path: path === "" ? undefined : path });
}

/** A part of a file. */
export interface Piece {
  bytes: Uint8Array;
  /** The place of its first byte in the file. */
  from: number;
  /** How many bytes the file has now. */
  size: number;
}

/** Some bytes of a file that is not empty: from a place up to before another, or its last ones. */
export async function readPiece(
  run: string,
  path: string,
  part: { from: number; to: number } | { last: number },
  signal?: AbortSignal,
): Promise<Piece> {
  const range = "last" in part ? `bytes=-${part.last}` : `bytes=${part.from}-${part.to - 1}`;
  const response = await ask(fileUrl(run, path), { headers: { Range: range } }, signal);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const [, from, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  return { bytes, from: Number(from ?? 0), size: Number(size ?? bytes.length) };
}

/** As much is asked for at once, bytes: an answer has to come in time also through a slow tunnel. */
const PART_BYTES = 4_000_000;

/** All bytes of a file that is not empty. */
export async function readWhole(run: string, path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const first = await readPiece(run, path, { from: 0, to: PART_BYTES }, signal);
  const bytes = new Uint8Array(first.size);
  bytes.set(first.bytes);
  for (let done = first.bytes.length; done < first.size; done += PART_BYTES) {
    const { bytes: part } = await readPiece(run, path, { from: done, to: Math.min(first.size, done + PART_BYTES) }, signal);
    // Of a file that grows meanwhile the part that was there.
    bytes.set(part.subarray(0, first.size - done), done);
  }
  return bytes;
}

/** What there is at a path, whether in the listing of its folder or not; null where nothing is. */
export async function findEntry(run: string, path: string, signal?: AbortSignal): Promise<Entry | null> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (path === "" || (await listFolder(run, path, undefined, signal)).entries > 0) return { name, is_dir: true };
  try {
    const { headers } = await ask(fileUrl(run, path), { method: "HEAD" }, signal);
    const modified = Date.parse(headers.get("last-modified") ?? "");
    return {
      name,
      is_dir: false,
      size_bytes: Number(headers.get("content-length") ?? 0),
      ...(!Number.isNaN(modified) && { modified_ms: modified }),
    };
  } catch (cause) {
    if (cause instanceof Failure && cause.status === 404) return null;
    throw cause;
  }
}
