import { mlflow, own, withQuery } from "./client.ts";
import type { View } from "./runs.ts";

/** The tag in which MLflow keeps what people say about an experiment or a run, as Markdown. */
export const NOTE = "mlflow.note.content";

/** An experiment and what is known of its runs. Times are epoch milliseconds. */
export interface Experiment {
  experiment_id: string;
  name: string;
  artifact_location: string;
  lifecycle_stage: "active" | "deleted";
  creation_time?: number;
  last_update_time?: number;
  tags?: readonly { key: string; value: string }[];
  runs: number;
  running: number;
  deleted_runs: number;
  /** Runs that failed in the last seven days. */
  failed_recently: number;
  last_start_time: number | null;
  last_activity: number;
  /** Up to three, those with most runs first. */
  users: readonly string[];
  user_count: number;
  artifact_bytes: number;
}

export async function listExperiments(view: View = "ACTIVE_ONLY", signal?: AbortSignal): Promise<readonly Experiment[]> {
  const path = withQuery("experiments", { view_type: view });
  return (await own<{ experiments: readonly Experiment[] }>("GET", path, undefined, signal)).experiments;
}

/** Makes an experiment; its id. */
export async function createExperiment(name: string): Promise<string> {
  return (await mlflow<{ experiment_id: string }>("POST", "experiments/create", { name })).experiment_id;
}

export async function renameExperiment(id: string, name: string): Promise<void> {
  await mlflow("POST", "experiments/update", { experiment_id: id, new_name: name });
}

export async function describeExperiment(id: string, note: string): Promise<void> {
  await mlflow("POST", "experiments/set-experiment-tag", { experiment_id: id, key: NOTE, value: note });
}

export async function deleteExperiment(id: string): Promise<void> {
  await mlflow("POST", "experiments/delete", { experiment_id: id });
}

export async function restoreExperiment(id: string): Promise<void> {
  await mlflow("POST", "experiments/restore", { experiment_id: id });
}
