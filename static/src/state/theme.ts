import { effect } from "@preact/signals";
import { kept } from "./kept.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** The look that was chosen in this browser. */
export const theme = kept<Theme>("theme", "system", (found): found is Theme => THEMES.some((name) => name === found));

/** Follows the choice from now on. */
export function followTheme(): void {
  effect(() => {
    if (theme.value === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.value;
  });
}
