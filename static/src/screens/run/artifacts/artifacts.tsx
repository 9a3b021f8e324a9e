import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { folderZip } from "../../../api/artifacts.ts";
import type { Run } from "../../../api/runs.ts";
import { foldersTo } from "../../../lib/artifact_kind.ts";
import { Icon } from "../../../parts/basics.tsx";
import { Splitter } from "../../../parts/splitter.tsx";
import { Empty } from "../../../parts/states.tsx";
import { kept } from "../../../state/kept.ts";
import { useFolders } from "./folders.ts";
import { Tree } from "./tree.tsx";
import { View } from "./view.tsx";

const LEAST_WIDTH = 180;
const MOST_WIDTH = 800;
const treeWidth = kept("artifacts.tree", 320, (found): found is number => typeof found === "number" && found >= LEAST_WIDTH && found <= MOST_WIDTH);

/** Pause between two looks at the folders of a run that goes on, ms: `changes` tells nothing of files. */
const LOOK_MS = 15_000;

/** The files of a run: the tree left, what is chosen right; the address says which (design: 6.6). */
export function Artifacts({ run, path }: { run: Run; path: string }): JSX.Element {
  const id = run.info.run_id;
  const folders = useFolders(id);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(foldersTo(path)));
  useEffect(() => {
    setOpen((before) => new Set([...before, ...foldersTo(path)]));
  }, [path]);
  useEffect(() => {
    for (const folder of open) folders.look(folder);
  }, [open]);
  const running = run.info.status === "RUNNING";
  const look = useRef<() => void>(() => undefined);
  look.current = () => document.hidden || folders.update([...open]);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => look.current(), LOOK_MS);
    return () => {
      clearInterval(timer);
      // What the run left as its last.
      look.current();
    };
  }, [running]);
  const root = folders.known.get("");
  if (root && !root.waiting && !root.failure && root.files.length === 0) {
    return <Empty title="This run has no artifacts." />;
  }
  return (
    <div class="artifacts panel">
      <div class="artifact-tree" style={{ width: `${treeWidth.value}px` }}>
        <div class="artifact-tools">
          <a class="button" href={folderZip(id, "")} download="">
            <Icon name="download" /> All as ZIP
          </a>
          <button type="button" onClick={() => folders.refresh([...open])}>
            Refresh
          </button>
        </div>
        <Tree run={run} path={path} folders={folders} open={open} setOpen={setOpen} />
      </div>
      <Splitter name="Width of the tree" width={treeWidth} least={LEAST_WIDTH} most={MOST_WIDTH} />
      <View run={run} path={path} folders={folders} opened={(folder) => setOpen((before) => new Set(before).add(folder))} />
    </div>
  );
}
