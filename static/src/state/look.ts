// How the pages look in this browser, beside their theme.

import { effect } from "@preact/signals";
import { STANDARD_DIGITS, showDigits } from "../lib/format.ts";
import { kept } from "./kept.ts";
import { isNarrow } from "./narrow.ts";
import { followTheme } from "./theme.ts";

export const DENSITIES = ["comfortable", "compact"] as const;
export type Density = (typeof DENSITIES)[number];

/** How high the rows of tables are. */
export const density = kept<Density>("density", "comfortable", (found): found is Density => DENSITIES.some((name) => name === found));

/** The height of a run that is a card, pixels; screens/runs/table.css has it too. */
const CARD_PX = 96;

/** The height of a row of runs in pixels, as `--row` of styles/tokens.css has it; where there is no room for rows, of a card. */
export function rowPx(): number {
  if (isNarrow.value) return CARD_PX;
  return density.value === "compact" ? 26 : 32;
}

export const MOTIONS = ["system", "reduced"] as const;
export type Motion = (typeof MOTIONS)[number];

/** Whether things move: as the system has it, or as little as possible. */
export const motion = kept<Motion>("motion", "system", (found): found is Motion => MOTIONS.some((name) => name === found));

/** Significant digits of the numbers on the pages: 3 to 8. */
export const DIGITS = [3, 4, 5, 6, 7, 8] as const;
export const digits = kept<number>("digits", STANDARD_DIGITS, (found): found is number => DIGITS.some((known) => known === found));

/** Follows what was chosen from now on. */
export function followLook(): void {
  followTheme();
  // Read where a number is written, so that what shows one follows the choice.
  showDigits(() => digits.value);
  effect(() => {
    const { dataset } = document.documentElement;
    dataset["density"] = density.value;
    dataset["motion"] = motion.value;
  });
}
