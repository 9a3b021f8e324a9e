import type { JSX } from "preact";
import type { Ink } from "../lib/colours.ts";
import { LineSample } from "./line_sample.tsx";

/** How the curves of a run are drawn, beside its name; its room stays where that is not known. */
export function InkSign({ ink }: { ink: Ink | undefined }): JSX.Element {
  return <span class="ink">{ink && <LineSample ink={ink} />}</span>;
}
