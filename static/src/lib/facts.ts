// What a run says about where it comes from. Pure.

import type { Run } from "../api/runs.ts";

/** Something to read and to copy. `href` is set where it is the address of a web page. */
export interface Fact {
  name: string;
  value: string;
  href?: string;
}

/** What is looked for, under the names that clients give it: tags first, then params. */
const SOUGHT: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ["Host", ["host", "hostname", "HOSTNAME", "mlflow.source.host"]],
  ["System", ["hpc", "system"]],
  ["Job", ["SLURM_JOB_ID", "slurm_job_id", "PBS_JOBID", "job_id"]],
  ["Project", ["projectName"]],
  ["Command", ["command"]],
  ["Source", ["mlflow.source.name"]],
  ["Git commit", ["mlflow.source.git.commit"]],
  ["Git branch", ["mlflow.source.git.branch"]],
  ["Git repository", ["mlflow.source.git.repoURL"]],
];

/** What is known of a run, without what is not. */
export function facts({ info, data }: Run): readonly Fact[] {
  const tags = new Map(data.tags?.map(({ key, value }) => [key, value]));
  const params = new Map(data.params?.map(({ key, value }) => [key, value]));
  const found = SOUGHT.flatMap(([name, keys]) => {
    const value = [tags, params].flatMap((texts) => keys.map((key) => texts.get(key))).find((text) => text !== undefined && text !== "");
    return value === undefined ? [] : [fact(name, value)];
  });
  return [...found, fact("Run id", info.run_id), ...(info.artifact_uri === undefined ? [] : [fact("Artifacts", info.artifact_uri)])];
}

function fact(name: string, value: string): Fact {
  const href = webAddress(value);
  return href === null ? { name, value } : { name, value, href };
}

/** A text that is the address of a web page, and of nothing else. */
export function webAddress(text: string): string | null {
  if (!/^https?:\/\/[^\s]+$/i.test(text)) return null;
  try {
    return new URL(text).href;
  } catch {
    return null;
  }
}

/** The tags that people set or would read: without those that MLflow keeps for itself. */
export function ownTags(tags: readonly { key: string; value: string }[]): readonly { key: string; value: string }[] {
  return tags.filter(({ key }) => !key.startsWith("mlflow."));
}
