import { readWhole } from "../../../api/artifacts.ts";
import { isBinary } from "../../../lib/log_text.ts";
import { useAsk } from "../../../state/ask.ts";
import type { Asked } from "../../../state/ask.ts";
import type { Shown } from "./file_frame.tsx";

/** As much of a file is shown before somebody asks for more, bytes. */
export const FIRST_BYTES = 1_000_000;

/** All of a file as text; null where its bytes are no characters. */
export function useWholeText({ run, path }: Shown): Asked<string | null> {
  const id = run.info.run_id;
  return useAsk(path, async (signal) => {
    const bytes = await readWhole(id, path, signal);
    return isBinary(bytes) ? null : new TextDecoder().decode(bytes);
  });
}
