// What is at the chosen path: a folder, or a file as its kind is shown.

import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { fileUrl, findEntry, folderZip } from "../../../api/artifacts.ts";
import type { Entry } from "../../../api/artifacts.ts";
import type { Run } from "../../../api/runs.ts";
import { artifactKind, folderOf, joined, nameOf } from "../../../lib/artifact_kind.ts";
import type { ArtifactKind } from "../../../lib/artifact_kind.ts";
import { counted, size, whole } from "../../../lib/format.ts";
import { CopyButton, Icon, Name, Time } from "../../../parts/basics.tsx";
import { Answered, Empty } from "../../../parts/states.tsx";
import { useAsk } from "../../../state/ask.ts";
import { address, runRoute } from "../../../state/place.ts";
import { change, place } from "../../../state/router.ts";
import type { Folders, Listed } from "./folders.ts";
import { ImageView } from "./image.tsx";
import { JsonView } from "./json.tsx";
import { MarkdownView } from "./markdown.tsx";
import { TextView } from "./text.tsx";

/** A file that is shown. */
export interface Shown {
  run: Run;
  path: string;
  bytes: number;
  /** When it was written, if that is known. */
  modified: number | undefined;
}

/** `opened` hears of a folder that is shown. */
interface Place {
  run: Run;
  path: string;
  folders: Folders;
  opened: (folder: string) => void;
}

export function View(found: Place): JSX.Element {
  const { run, path, folders } = found;
  const listed = folders.known.get(folderOf(path));
  const known = path === "" ? { name: "", is_dir: true } : listed?.files.find((entry) => entry.name === nameOf(path));
  // What the pages of its folder that were read do not name is asked for by itself.
  const search = known === undefined && listed !== undefined && !listed.waiting;
  const asked = useAsk(search ? path : null, (signal) => findEntry(run.info.run_id, path, signal));
  if (known) return <Known place={found} entry={known} />;
  if (!search || asked.stale) return <section class="artifact-view" aria-label="File" aria-busy="true" />;
  return (
    <section class="artifact-view" aria-label="File">
      <Answered asked={asked} what="The file">
        {(entry) =>
          entry === null ? (
            <Empty title="There is no such file.">
              <p class="any-text">{path}</p>
            </Empty>
          ) : (
            <Known place={found} entry={entry} />
          )
        }
      </Answered>
    </section>
  );
}

function Known({ place: found, entry }: { place: Place; entry: Entry }): JSX.Element {
  const { run, path, folders } = found;
  if (entry.is_dir) return <FolderView {...found} />;
  const shown = { run, path, bytes: entry.size_bytes ?? 0, modified: entry.modified_ms };
  return <FileView key={path} shown={shown} siblings={folders.known.get(folderOf(path))} />;
}

function FileView({ shown, siblings }: { shown: Shown; siblings: Listed | undefined }): JSX.Element {
  const kind = artifactKind(shown.path);
  const asText = place.value.state.show === "text";
  const form: ArtifactKind = asText && kind !== "image" ? "text" : kind;
  const choice = kind === "json" || kind === "markdown" ? { json: "Tree", markdown: "Page" }[kind] : null;
  const tools = choice !== null && (
    <span class="choice">
      <button type="button" aria-pressed={!asText} onClick={() => change({ show: undefined })}>
        {choice}
      </button>
      <button type="button" aria-pressed={asText} onClick={() => change({ show: "text" })}>
        Text
      </button>
    </span>
  );
  if (shown.bytes === 0) {
    return (
      <FileFrame shown={shown}>
        <Empty title="This file is empty." />
      </FileFrame>
    );
  }
  switch (form) {
    case "image":
      return <ImageView shown={shown} siblings={siblings} />;
    case "text":
      return <TextView shown={shown} tools={tools} />;
    case "json":
      return <JsonView shown={shown} tools={tools} />;
    case "markdown":
      return <MarkdownView shown={shown} tools={tools} />;
    case "active":
      return (
        <FileFrame shown={shown}>
          <NotShown why="Files of this kind can hold scripts or need a program of their own, so they are not opened in this page." />
        </FileFrame>
      );
    case "other":
      return (
        <FileFrame shown={shown}>
          <NotShown why="There is no view for files of this kind." />
        </FileFrame>
      );
  }
}

function NotShown({ why }: { why: string }): JSX.Element {
  return (
    <Empty title="Not shown here">
      <p>{why} It can be downloaded.</p>
      <button type="button" onClick={() => change({ show: "text" })}>
        Show as text
      </button>
    </Empty>
  );
}

/** The head of a file with what can be done with it, and below it what is in it. */
export function FileFrame({ shown, tools, children }: { shown: Shown; tools?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  const { run, path, bytes, modified } = shown;
  return (
    <section class="artifact-view" aria-label="File">
      <header class="artifact-head">
        <h2>
          <Name text={nameOf(path)} tail={12} />
        </h2>
        <CopyButton text={path} name="Copy the path" small />
        <span class="hint">
          {size(bytes)} {modified !== undefined && <>· <Time ms={modified} /></>}
        </span>
        <span class="spring" />
        {tools}
        <a class="button" href={fileUrl(run.info.run_id, path)} download={nameOf(path)}>
          <Icon name="download" /> Download
        </a>
      </header>
      {children}
    </section>
  );
}

function FolderView({ run, path, folders, opened }: Place): JSX.Element {
  const { run_id: id, experiment_id: experiment } = run.info;
  const listed = folders.known.get(path);
  useEffect(() => opened(path), [path]);
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
