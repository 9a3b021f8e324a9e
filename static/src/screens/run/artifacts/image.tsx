import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { fileUrl } from "../../../api/artifacts.ts";
import { useKeys } from "../../../frame/keys.ts";
import { artifactKind, folderOf, joined, nameOf } from "../../../lib/artifact_kind.ts";
import { Icon } from "../../../parts/basics.tsx";
import { measured } from "../../../parts/frames.tsx";
import { isHeldBack } from "../../../parts/large.ts";
import { runRoute } from "../../../state/place.ts";
import { go, reroute } from "../../../state/router.ts";
import type { Listed } from "./folders.ts";
import { AskFirst, FileFrame, NotShown } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";

/** How much larger or smaller a click makes a picture, and the limits: points of the screen for one of the picture. */
const ZOOM_STEP = 1.5;
const LEAST_ZOOM = 0.05;
const MOST_ZOOM = 40;

/** A picture, whole, point by point or at any size, and the way to the next one of its folder. */
export function ImageView({ shown, siblings }: { shown: Shown; siblings: Listed | undefined }): JSX.Element {
  const { run, path, bytes, modified } = shown;
  /** Points of the screen for one of the picture; null fits it into the view. */
  const [zoom, setZoom] = useState<number | null>(null);
  const [broken, setBroken] = useState(false);
  const [natural, setNatural] = useState<{ width: number; height: number }>();
  const image = useRef<HTMLImageElement>(null);
  const zoomBy = (factor: number): void => {
    const now = zoom ?? (image.current && natural ? image.current.width / natural.width : 1);
    setZoom(Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, now * factor)));
  };
  const folder = folderOf(path);
  const images = (siblings?.files ?? []).filter(({ name, is_dir: isFolder }) => !isFolder && artifactKind(name) === "image");
  const place = images.findIndex(({ name }) => name === nameOf(path));
  const visit = (step: number): void => {
    const to = images[place + step];
    if (to) reroute(runRoute(run.info.experiment_id, run.info.run_id, "artifacts", joined(folder, to.name)));
  };
  const previous = { name: "Previous image", run: () => visit(-1) };
  const next = { name: "Next image", run: () => visit(1) };
  useKeys({
    ArrowLeft: previous,
    ArrowRight: next,
    "[": previous,
    "]": next,
    "+": { name: "Larger", run: () => zoomBy(ZOOM_STEP) },
    "-": { name: "Smaller", run: () => zoomBy(1 / ZOOM_STEP) },
    z: { name: "Fit the image into the view", run: () => setZoom(null) },
    Escape: { name: "Back to the folder", run: () => go(runRoute(run.info.experiment_id, run.info.run_id, "artifacts", folder)) },
  });
  const tools = (
    <>
      {natural && <span class="hint">{`${natural.width} × ${natural.height}`}</span>}
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
        <button type="button" aria-pressed={zoom === null} onClick={() => setZoom(null)}>
          Fit
        </button>
        <button type="button" aria-pressed={zoom === 1} onClick={() => setZoom(1)}>
          1:1
        </button>
        <button type="button" aria-label="Smaller" title="Smaller (-)" onClick={() => zoomBy(1 / ZOOM_STEP)}>
          −
        </button>
        <button type="button" aria-label="Larger" title="Larger (+)" onClick={() => zoomBy(ZOOM_STEP)}>
          +
        </button>
      </span>
      {zoom !== null && zoom !== 1 && <span class="hint figure">{Math.round(zoom * 100)} %</span>}
    </>
  );
  if (isHeldBack(bytes)) return <AskFirst shown={shown} what="image" tools={tools} />;
  if (broken) {
    return <NotShown shown={shown} title="This image cannot be shown." why="Its content is no image that the browser can read, or only a part of one." />;
  }
  // The time makes it another picture when the file was overwritten.
  const url = `${fileUrl(run.info.run_id, path)}&of=${modified ?? 0}`;
  return (
    <FileFrame shown={shown} tools={tools}>
      <div class="artifact-body image" data-fit={zoom === null} tabIndex={0} role="region" aria-label="Image">
        <img
          key={url}
          ref={image}
          src={url}
          alt={nameOf(path)}
          data-large={zoom !== null && zoom > 1}
          style={zoom === null || !natural ? {} : { width: `${natural.width * zoom}px` }}
          onError={() => setBroken(true)}
          onLoad={(event) => {
            const { naturalWidth: width, naturalHeight: height } = event.currentTarget;
            measured(event);
            setNatural({ width, height });
          }}
        />
      </div>
    </FileFrame>
  );
}
