import { readPiece } from "../../../api/artifacts.ts";
import { useAsk } from "../../../state/ask.ts";
import type { Asked } from "../../../state/ask.ts";
import type { Shown } from "./view.tsx";

/** As much of a file is shown before somebody asks for more, bytes. */
export const FIRST_BYTES = 1_000_000;

/** All of a file as text; null where it is larger than is shown at once. */
export function useWholeText({ run, path, bytes }: Shown): Asked<string | null> {
  const id = run.info.run_id;
  return useAsk(path, async (signal) => {
    if (bytes > FIRST_BYTES) return null;
    const piece = await readPiece(id, path, { from: 0, to: FIRST_BYTES }, signal);
    return piece.size > FIRST_BYTES ? null : new TextDecoder().decode(piece.bytes);
  });
}
