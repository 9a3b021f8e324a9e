import { own } from "./client.ts";
import type { RunSearch } from "./runs.ts";

/** Runs by what they have for a param, a tag or an attribute (docs/API.md, `POST groups`). */
export interface GroupsRequest extends Omit<RunSearch, "order_by"> {
  /** `params.NAME`, `tags.NAME`, `attribute.user_id` or `attribute.status`. */
  by: string;
  metrics: readonly string[];
  /** `count`, `value` or `metrics.NAME`, with ASC or DESC. */
  order_by?: string;
  offset?: number;
  limit: number;
}

/** What the last values of a metric come to in a group: how many are numbers, how many NaN, and how far the numbers go. */
export interface GroupMetric {
  count: number;
  nan: number;
  /** Texts stand for the numbers that JSON lacks. */
  mean: number | string | null;
  min: number | string | null;
  max: number | string | null;
}

export interface Groups {
  total: number;
  offset: number;
  groups: readonly {
    /** Null where runs have none; of very long ones the beginning. */
    value: string | null;
    runs: number;
    /** In the order in which they were asked for; null where no run of the group has the metric. */
    metrics: readonly (GroupMetric | null)[];
  }[];
}

export function listGroups(request: GroupsRequest, signal?: AbortSignal): Promise<Groups> {
  return own("POST", "groups", request, signal);
}
