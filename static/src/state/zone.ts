import { kept } from "./kept.ts";

export const ZONES = ["browser", "utc"] as const;
export type Zone = (typeof ZONES)[number];

/** The time zone in which times are shown. */
export const zone = kept<Zone>("zone", "browser", (found): found is Zone => ZONES.some((name) => name === found));

/** Whether times are shown in UTC, as the functions of `lib/format.ts` want to know. */
export function inUtc(): boolean {
  return zone.value === "utc";
}
