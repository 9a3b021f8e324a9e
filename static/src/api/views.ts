// Saved views and short links: addresses of these pages that the server keeps.

import { own, withQuery } from "./client.ts";

/** An address under a key. One with a name is a saved view, one without a short link. */
export interface View {
  key: string;
  /** From `#` on. */
  address: string;
  name: string | null;
  /** The experiment in whose list it stands. */
  experiment_id: string | null;
  made_by: string | null;
  /** Epoch milliseconds. */
  created: number;
}

/** Keeps an address; without a name the same one gets the same key. A name that is taken in the experiment gets the new address. */
export function saveView(view: { address: string; name?: string; experiment_id?: string }): Promise<View> {
  return own("POST", "views", view);
}

export function findView(key: string, signal?: AbortSignal): Promise<View> {
  return own("GET", `views/${encodeURIComponent(key)}`, undefined, signal);
}

/** The saved views of an experiment, newest first; without one all that one may see. */
export async function listViews(experiment?: string, signal?: AbortSignal): Promise<readonly View[]> {
  return (await own<{ views: readonly View[] }>("GET", withQuery("views", { experiment_id: experiment }), undefined, signal)).views;
}

export async function deleteView(key: string): Promise<void> {
  await own("DELETE", `views/${encodeURIComponent(key)}`);
}
