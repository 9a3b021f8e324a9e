// Table and curves beside each other; how wide the table is then is remembered.

import type { ComponentChildren, JSX } from "preact";
import { Splitter } from "../../parts/splitter.tsx";
import { kept } from "../../state/kept.ts";

/** Pixels. */
const LEAST = 240;
const MOST = 2_400;

const width = kept("runs_table_width", 560, (found): found is number => typeof found === "number" && found >= LEAST && found <= MOST);

/** Either panel may be missing; the other one then has all the width. */
export function Split({ left, right }: { left: ComponentChildren | null; right: ComponentChildren | null }): JSX.Element {
  const both = left !== null && right !== null;
  return (
    <div class={both ? "split both" : "split"} style={{ "--left": `${width.value}px` }}>
      {left !== null && <div class="split-panel">{left}</div>}
      {both && <Splitter name="Width of the table" width={width} least={LEAST} most={MOST} />}
      {right !== null && <div class="split-panel charts-panel">{right}</div>}
    </div>
  );
}
