import type { JSX } from "preact";
import { Name } from "../parts/basics.tsx";
import { LineSample } from "../parts/line_sample.tsx";
import { inkFor } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** The runs with their lines; a click hides one or shows it again, pointing at one lifts its curves. */
export function Legend({ scene, onHide }: { scene: Scene; onHide: (run: string) => void }): JSX.Element {
  const inkOf = inkFor(scene, [""]);
  return (
    <ul class="legend" aria-label="Runs">
      {scene.runs.map(({ id, name }) => (
        <li key={id}>
          <button
            type="button"
            class="quiet"
            aria-pressed={!scene.hidden.has(id)}
            data-lifted={scene.hovered.value === id}
            onClick={() => onHide(id)}
            onMouseEnter={() => (scene.hovered.value = id)}
            onMouseLeave={() => (scene.hovered.value = null)}
          >
            <LineSample ink={inkOf(id, "")} />
            <Name text={name} />
          </button>
        </li>
      ))}
    </ul>
  );
}
