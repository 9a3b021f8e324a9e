import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Answered } from "../parts/states.tsx";
import { useAsk } from "../state/ask.ts";
import { useChanges } from "../state/live.ts";
import type { DrawnRun } from "./scene.ts";

/** One metric of some runs, without controls; `height` in pixels. */
export function Curve({ runs, metric, height }: { runs: readonly DrawnRun[]; metric: string; height: number }): JSX.Element {
  const [version, setVersion] = useState(0);
  const hovered = useSignal<string | null>(null);
  const drawer = useAsk("charts", () => import("./cards.tsx"));
  const experiments = [...new Set(runs.flatMap(({ experiment }) => experiment ?? []))];
  useChanges(experiments, ({ reset, runs: changed }) => {
    if (reset || changed.some(({ run_id }) => runs.some(({ id }) => id === run_id))) setVersion((before) => before + 1);
  });
  return (
    <Answered asked={drawer} what={metric} lines={Math.ceil(height / 34)}>
      {({ SingleCard }) => <SingleCard runs={runs} metric={metric} height={height} hovered={hovered} version={version} />}
    </Answered>
  );
}
