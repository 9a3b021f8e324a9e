import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Entry } from "../api/artifacts.ts";
import { counted } from "../lib/format.ts";
import { frameAt } from "../lib/image_series.ts";
import type { Series } from "../lib/image_series.ts";
import { Name } from "./basics.tsx";
import { Picture, StepBar, preload } from "./frames.tsx";
import type { Linked } from "./frames.tsx";
import { useInView } from "./in_view.ts";

/** Pictures of a folder that are one thing at different steps: one at a time. */
export function SeriesCard({ run, experiment, folder, series, linked }: { run: string; experiment: string; folder: string; series: Series<Entry>; linked: Linked }): JSX.Element {
  const { name, frames } = series;
  const steps = frames.map(({ step }) => step);
  const of = (file: Entry) => ({ run, experiment, folder, file });
  const at = (step: number) => frames[frameAt(steps, step)];
  const box = useRef<HTMLElement>(null);
  const inView = useInView(box);
  const shown = at(linked.step.value ?? -Infinity);
  return (
    <figure class="series-card panel" ref={box}>
      <figcaption>
        <Name text={name} tail={12} />
        <span class="hint">{counted(frames.length, "step")}</span>
      </figcaption>
      {shown && <Picture of={of(shown.file)} alt={`${name}, step ${shown.step}`} />}
      <StepBar
        steps={steps}
        linked={linked}
        ready={async (step) => {
          const next = at(step);
          // Cards that nobody sees fetch nothing ahead.
          if (next && inView) await preload(of(next.file));
        }}
      />
    </figure>
  );
}
