import { ask, own, withQuery } from "./client.ts";

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

export function listFolder(run: string, path: string, pageToken?: string, signal?: AbortSignal): Promise<Folder> {
  const query = { run_id: run, path: path === "" ? undefined : path, max_results: 500, page_token: pageToken };
  return own("GET", withQuery("artifacts", query), undefined, signal);
}

/** Where a file is to be had; browsers keep what may run scripts from being shown there. */
export function fileUrl(run: string, path: string): string {
  return withQuery("get-artifact", { run_id: run, path });
}

/** Where a folder, or everything of a run, is to be had as a ZIP archive. */
export function folderZip(run: string, path: string): string {
  return withQuery("api/windvane/v1/export/artifacts", { run_id: run, path: path === "" ? undefined : path });
}

/** The first bytes of a file, and how many it has. */
export async function readFile(run: string, path: string, limit: number, signal?: AbortSignal): Promise<{ bytes: Uint8Array; size: number }> {
  const headers = { Range: `bytes=0-${limit - 1}` };
  const response = await ask(fileUrl(run, path), { headers }, signal);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const total = response.headers.get("content-range")?.split("/")[1];
  return { bytes: bytes.subarray(0, limit), size: total === undefined ? bytes.length : Number(total) };
}
