// What values of a comparison say. Pure.

import type { Cell, Diff } from "../api/runs.ts";
import { duration, second } from "./format.ts";

/** What is to be said of a row beside its name: where whole trainings are told, how long a run took is still told of the run. */
export function keyNote({ kind, key }: Pick<Diff["rows"][number], "kind" | "key">, joined: boolean): string {
  return joined && kind === "attribute" && key === "duration" ? ATTEMPT_ONLY : "";
}

/** What is about a run, and not about the training that it is a part of. */
export const ATTEMPT_ONLY = "this attempt only";

/** A value as people read it, times in the browser's zone or in UTC. */
export function valueText({ kind, key }: Pick<Diff["rows"][number], "kind" | "key">, value: Cell, utc = false): string {
  if (value === null) return "not set";
  if (kind !== "attribute") return String(value);
  if (key === "duration") return duration(Number(value));
  if (key.endsWith("_time")) return second(Number(value), utc);
  return String(value);
}
