import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { fileUrl } from "../../../api/artifacts.ts";
import { nameOf } from "../../../lib/artifact_kind.ts";
import { FileFrame, NotShown } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";

/** A sound or a film, of which the browser fetches what it plays. */
export function MediaView({ shown, kind: Kind }: { shown: Shown; kind: "audio" | "video" }): JSX.Element {
  const { run, path, modified } = shown;
  const [broken, setBroken] = useState(false);
  if (broken) {
    return <NotShown shown={shown} title={`This ${Kind} cannot be played.`} why="Its content is none that this browser can play, or only a part of one." />;
  }
  return (
    <FileFrame shown={shown}>
      <div class="artifact-body image" data-fit="true">
        <Kind
          controls
          preload="metadata"
          aria-label={nameOf(path)}
          src={`${fileUrl(run.info.run_id, path)}&of=${modified ?? 0}`}
          onError={() => setBroken(true)}
        />
      </div>
    </FileFrame>
  );
}
