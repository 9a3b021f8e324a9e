import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { pageUrl } from "../../../api/artifacts.ts";
import { ask } from "../../../api/client.ts";
import { nameOf } from "../../../lib/artifact_kind.ts";
import { Answered } from "../../../parts/states.tsx";
import { useAsk } from "../../../state/ask.ts";
import { FileFrame } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";

/**
 * An HTML or SVG file in a frame that has no rights: no origin, so no cookie and no API, no window but its own, nothing from
 * elsewhere; the server says the same with the file. Its scripts run when somebody wants them to, and are as alone there.
 */
export function PageView({ shown, tools }: { shown: Shown; tools: ComponentChildren }): JSX.Element {
  const { run, path, modified } = shown;
  const [scripts, setScripts] = useState(false);
  const url = pageUrl(run.info.run_id, path, scripts);
  // A refusal would be seen as text in the frame.
  const asked = useAsk(url, async (signal) => {
    await ask(url, { method: "HEAD" }, signal);
    return url;
  });
  return (
    <FileFrame
      shown={shown}
      tools={
        <>
          <button type="button" aria-pressed={scripts} title="They see nothing of this page or of the server" onClick={() => setScripts(!scripts)}>
            Run its scripts
          </button>
          {tools}
        </>
      }
    >
      <Answered asked={asked} what="The file">
        {(answered) => (
          // Made anew with other rights: a frame keeps those that it was loaded with.
          <iframe key={answered} class="artifact-page" sandbox={answered.includes("scripts=1") ? "allow-scripts" : ""} src={`${answered}&of=${modified ?? 0}`} title={nameOf(path)} />
        )}
      </Answered>
    </FileFrame>
  );
}
