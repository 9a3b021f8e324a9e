import type { Experiment } from "../../api/experiments.ts";

/** What the files of an experiment take. */
export interface Stored {
  experiment: Experiment;
  /** Of all files, 0 to 1. */
  share: number;
  /** The same against the experiment that takes most: the length of its bar. */
  bar: number;
}

/** The experiments that have files, those with most first; all bytes together; and how many experiments have none. */
export function storedLines(experiments: readonly Experiment[]): { lines: readonly Stored[]; total: number; without: number } {
  const withFiles = experiments.filter(({ artifact_bytes: bytes }) => bytes > 0).sort((one, other) => other.artifact_bytes - one.artifact_bytes);
  const total = withFiles.reduce((sum, { artifact_bytes: bytes }) => sum + bytes, 0);
  const most = withFiles[0]?.artifact_bytes ?? 1;
  const lines = withFiles.map((experiment) => ({ experiment, share: experiment.artifact_bytes / total, bar: experiment.artifact_bytes / most }));
  return { lines, total, without: experiments.length - withFiles.length };
}
