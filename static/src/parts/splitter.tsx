import type { Signal } from "@preact/signals";
import type { JSX } from "preact";

/** The step of an arrow key, pixels. */
const STEP = 24;

/** A line between two panels that can be moved: by dragging, and by the arrow keys. `width` is that of the panel before it, in pixels. */
export function Splitter({ name, width, least, most }: { name: string; width: Signal<number>; least: number; most: number }): JSX.Element {
  const set = (value: number): void => {
    width.value = Math.round(Math.min(most, Math.max(least, value)));
  };
  return (
    <div
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={name}
      aria-valuenow={width.value}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      onPointerDown={(event) => {
        const line = event.currentTarget;
        const offset = width.value - event.clientX;
        line.setPointerCapture(event.pointerId);
        line.onpointermove = (move) => set(move.clientX + offset);
        line.onlostpointercapture = () => (line.onpointermove = null);
      }}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        set(width.value + (event.key === "ArrowLeft" ? -STEP : STEP));
      }}
    />
  );
}
