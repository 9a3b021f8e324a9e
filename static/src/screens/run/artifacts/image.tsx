import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { fileUrl } from "../../../api/artifacts.ts";
import { useKeys } from "../../../frame/keys.ts";
import { artifactKind, folderOf, joined, nameOf } from "../../../lib/artifact_kind.ts";
import { size } from "../../../lib/format.ts";
import { Icon } from "../../../parts/basics.tsx";
import { Empty } from "../../../parts/states.tsx";
import { runRoute } from "../../../state/place.ts";
import { reroute } from "../../../state/router.ts";
import type { Listed } from "./folders.ts";
import { FileFrame } from "./view.tsx";
import type { Shown } from "./view.tsx";

/** A larger picture is not fetched unasked: people come through slow tunnels. */
const ASK_BYTES = 1_000_000;

/** Whether somebody said that larger pictures are fine; until the page is left. */
const largeToo = signal(false);

/** A picture, whole or point by point, and the way to the next one of its folder. */
export function ImageView({ shown, siblings }: { shown: Shown; siblings: Listed | undefined }): JSX.Element {
  const { run, path, bytes, modified } = shown;
  const [real, setReal] = useState(false);
  const [broken, setBroken] = useState(false);
  const [dimensions, setDimensions] = useState("");
  const folder = folderOf(path);
  const images = (siblings?.files ?? []).filter(({ name, is_dir: isFolder }) => !isFolder && artifactKind(name) === "image");
  const place = images.findIndex(({ name }) => name === nameOf(path));
  const visit = (step: number): void => {
    const to = images[place + step];
    if (to) reroute(runRoute(run.info.experiment_id, run.info.run_id, "artifacts", joined(folder, to.name)));
  };
  const previous = { name: "Previous image", run: () => visit(-1) };
  const next = { name: "Next image", run: () => visit(1) };
  useKeys({ ArrowLeft: previous, ArrowRight: next, "[": previous, "]": next });
  const tools = (
    <>
      {dimensions !== "" && <span class="hint">{dimensions}</span>}
      {images.length > 1 && place >= 0 && (
        <span class="image-steps">
          <button type="button" class="quiet" aria-label="Previous image" title="Previous image (←)" disabled={place === 0} onClick={() => visit(-1)}>
            <Icon name="left" />
          </button>
          <span class="figure">
            {place + 1} / {images.length}
          </span>
          <button type="button" class="quiet" aria-label="Next image" title="Next image (→)" disabled={place === images.length - 1} onClick={() => visit(1)}>
            <Icon name="right" />
          </button>
        </span>
      )}
      <span class="choice">
        <button type="button" aria-pressed={!real} onClick={() => setReal(false)}>
          Fit
        </button>
        <button type="button" aria-pressed={real} onClick={() => setReal(true)}>
          1:1
        </button>
      </span>
    </>
  );
  if (bytes > ASK_BYTES && !largeToo.value) {
    return (
      <FileFrame shown={shown} tools={tools}>
        <Empty title={`This image has ${size(bytes)}.`}>
          <button type="button" onClick={() => (largeToo.value = true)}>
            Show it, and other large ones
          </button>
        </Empty>
      </FileFrame>
    );
  }
  if (broken) {
    return (
      <FileFrame shown={shown}>
        <Empty title="This image cannot be shown.">
          <p>Its content is no image that the browser can read, or only a part of one. It can be downloaded.</p>
        </Empty>
      </FileFrame>
    );
  }
  // The time makes it another picture when the file was overwritten.
  const url = `${fileUrl(run.info.run_id, path)}&of=${modified ?? 0}`;
  return (
    <FileFrame shown={shown} tools={tools}>
      <div class="artifact-body image" data-fit={!real} tabIndex={0} role="region" aria-label="Image">
        <img
          key={url}
          src={url}
          alt={nameOf(path)}
          onError={() => setBroken(true)}
          onLoad={(event) => setDimensions(`${event.currentTarget.naturalWidth} × ${event.currentTarget.naturalHeight}`)}
        />
      </div>
    </FileFrame>
  );
}
