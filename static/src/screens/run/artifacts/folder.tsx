// A folder: its image series one by one, and all of its entries.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { folderZip, listMost } from "../../../api/artifacts.ts";
import type { Run } from "../../../api/runs.ts";
import { useKeys } from "../../../frame/keys.ts";
import { artifactKind, joined, nameOf } from "../../../lib/artifact_kind.ts";
import { counted, size, whole } from "../../../lib/format.ts";
import { imageSeries, stepped } from "../../../lib/image_series.ts";
import { Icon, Name, Time } from "../../../parts/basics.tsx";
import { useLinked } from "../../../parts/frames.tsx";
import { SeriesCard } from "../../../parts/series_card.tsx";
import { useAsk } from "../../../state/ask.ts";
import { address, runRoute } from "../../../state/place.ts";
import type { Folders } from "./folders.ts";

/** As many image series are shown, and as many more with each wish. */
const CARDS = 24;

/** What is shown of a run; `opened` hears of a folder that is shown. */
export interface Place {
  run: Run;
  path: string;
  folders: Folders;
  opened: (folder: string) => void;
}

export function FolderView({ run, path, folders, opened }: Place): JSX.Element {
  const { run_id: id, experiment_id: experiment } = run.info;
  const listed = folders.known.get(path);
  useEffect(() => opened(path), [path]);
  const files = listed?.files ?? [];
  // A series may go on in the pages that nobody asked for.
  const goesOn = listed?.next !== undefined && files.some(({ name }) => artifactKind(name) === "image");
  const all = useAsk(goesOn ? `${path} ${listed.total}` : null, (signal) => listMost(id, path, signal));
  const known = (goesOn && all.answer?.files) || files;
  const series = useMemo(() => imageSeries(known).series, [known]);
  const [most, setMost] = useState(CARDS);
  const linked = useLinked();
  const steps = useMemo(() => [...new Set(series.flatMap(({ frames }) => frames.map(({ step }) => step)))].sort((one, other) => one - other), [series]);
  const move = (by: number): void => {
    if (steps.length > 0) linked.step.value = stepped(steps, linked.step.value, by);
  };
  const previous = { name: "Previous step", run: () => move(-1) };
  const next = { name: "Next step", run: () => move(1) };
  useKeys(series.length > 0 ? { "[": previous, "]": next, ArrowLeft: previous, ArrowRight: next } : {});
  return (
    <section class="artifact-view" aria-label="Folder">
      <header class="artifact-head">
        <h2>{path === "" ? "All artifacts" : <Name text={nameOf(path)} tail={12} />}</h2>
        {listed && !listed.waiting && <span class="hint">{counted(listed.total, "entry", "entries")}</span>}
        <span class="spring" />
        {path !== "" && (
          <a class="button" href={folderZip(id, path)} download="">
            <Icon name="download" /> Folder as ZIP
          </a>
        )}
      </header>
      {listed && listed.files.length > 0 && (
        <div class="artifact-body scroll" tabIndex={0} role="region" aria-label="Entries of the folder">
          {series.length > 0 && (
            <div class="series-cards">
              {series.slice(0, most).map((one) => (
                <SeriesCard key={one.key} run={id} experiment={experiment} folder={path} series={one} linked={linked} />
              ))}
              {series.length > most && (
                <button type="button" class="more-of" onClick={() => setMost(most + CARDS)}>
                  Show more image series ({whole(series.length - most)} left)
                </button>
              )}
            </div>
          )}
          <table class="entries">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Size</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {listed.files.map((entry) => (
                <tr key={entry.name}>
                  <th scope="row">
                    <a href={address(runRoute(experiment, id, "artifacts", joined(path, entry.name)))}>
                      <Icon name={entry.is_dir ? "folder" : "file"} />
                      <Name text={entry.name} tail={12} />
                    </a>
                  </th>
                  <td class="figure">{entry.is_dir || entry.size_bytes === undefined ? "" : size(entry.size_bytes)}</td>
                  <td>
                    <Time ms={entry.modified_ms} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {listed.next !== undefined && (
            <button type="button" class="more-of" disabled={listed.waiting} onClick={() => folders.more(path)}>
              Show more ({whole(listed.total - listed.files.length)} left)
            </button>
          )}
        </div>
      )}
    </section>
  );
}
