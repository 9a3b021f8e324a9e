import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { readWhole } from "../../../api/artifacts.ts";
import { nameOf } from "../../../lib/artifact_kind.ts";
import { Answered } from "../../../parts/states.tsx";
import { useAsk } from "../../../state/ask.ts";
import { FileFrame, NotShown } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";

/** Where a PDF says that it is one, bytes from its beginning; and where its end is marked, from its end. */
const HEAD_BYTES = 1_024;

/** A document in the browser's own viewer: never as anything else that its bytes might be, since its type is said here. */
export function PdfView({ shown }: { shown: Shown }): JSX.Element {
  const { run, path } = shown;
  const asked = useAsk(navigator.pdfViewerEnabled ? path : null, async (signal) => {
    const bytes = await readWhole(run.info.run_id, path, signal);
    const text = (part: Uint8Array): string => new TextDecoder("latin1").decode(part);
    if (!text(bytes.subarray(0, HEAD_BYTES)).includes("%PDF-")) return null;
    const url = URL.createObjectURL(new Blob([bytes], { type: "application/pdf" }));
    return { url, isWhole: text(bytes.subarray(-HEAD_BYTES)).includes("%%EOF") };
  });
  const url = asked.answer?.url;
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);
  if (!navigator.pdfViewerEnabled) return <NotShown shown={shown} why="This browser has no viewer for PDF, or it is switched off." />;
  if (asked.answer === null) return <NotShown shown={shown} title="This is no PDF." why="The content of the file is something else than its name says." />;
  return (
    <FileFrame shown={shown}>
      <Answered asked={asked} what="The file">
        {(pdf) =>
          pdf && (
            <>
              {!pdf.isWhole && <p class="artifact-said hint">The end of this file is missing, so it may not be shown, or not all of it.</p>}
              <iframe class="artifact-page" src={pdf.url} title={nameOf(path)} />
            </>
          )
        }
      </Answered>
    </FileFrame>
  );
}
