import type { JSX } from "preact";
import { keysOn } from "../../frame/keys.ts";
import { THEME_WORDS, ZONE_WORDS } from "../../frame/user_menu.tsx";
import { STANDARD_DIGITS, fullMoment, number } from "../../lib/format.ts";
import { OneOf } from "../../parts/one_of.tsx";
import { now } from "../../state/clock.ts";
import { DENSITIES, DIGITS, MOTIONS, density, digits, motion } from "../../state/look.ts";
import { THEMES, theme } from "../../state/theme.ts";
import { useTitle } from "../../state/title.ts";
import { ZONES, inUtc, zone } from "../../state/zone.ts";

const DENSITY_WORDS = { comfortable: "Comfortable", compact: "Compact" } as const;
const MOTION_WORDS = { system: "System", reduced: "Reduced" } as const;
/** Numbers that show what a choice does. */
const SAMPLES = [0.0412375194, 287.154862, 2.5e-7];

/** How this browser shows the pages: kept here, and in force at once on all of them. */
export function Settings(): JSX.Element {
  useTitle("Settings");
  const reset = (): void => {
    [theme.value, density.value, zone.value, digits.value, motion.value, keysOn.value] = ["system", "comfortable", "browser", STANDARD_DIGITS, "system", true];
  };
  return (
    <div class="screen">
      <h1>Settings</h1>
      <p class="hint">They are kept in this browser, for every page of this server, and act at once.</p>
      <div class="panel settings">
        <OneOf title="Theme" names={THEMES} words={THEME_WORDS} chosen={theme.value} choose={(name) => (theme.value = name)} />
        <OneOf title="Rows of tables" names={DENSITIES} words={DENSITY_WORDS} chosen={density.value} choose={(name) => (density.value = name)} />
        <OneOf title="Times" names={ZONES} words={ZONE_WORDS} chosen={zone.value} choose={(name) => (zone.value = name)} />
        <p class="hint">{fullMoment(now.value, inUtc())}</p>
        <OneOf title="Digits of numbers" names={DIGITS} chosen={digits.value} choose={(many) => (digits.value = many)} />
        <p class="hint figure">
          {SAMPLES.map(number).join(" · ")} (the server sends curves with five, and every number is whole in what is exported)
        </p>
        <OneOf title="Motion" names={MOTIONS} words={MOTION_WORDS} chosen={motion.value} choose={(name) => (motion.value = name)} />
        <label class="check">
          <input type="checkbox" checked={keysOn.value} onChange={(event) => (keysOn.value = event.currentTarget.checked)} />
          Single-key shortcuts
        </label>
        <div>
          <button type="button" onClick={reset}>
            Reset
          </button>
        </div>
      </div>
    </div>
  );
}
