// What is at the chosen path: a folder, or a file as its kind is shown.

import type { JSX } from "preact";
import { findEntry } from "../../../api/artifacts.ts";
import type { Entry } from "../../../api/artifacts.ts";
import { artifactKind, folderOf, nameOf } from "../../../lib/artifact_kind.ts";
import type { ArtifactKind } from "../../../lib/artifact_kind.ts";
import { isHeldBack } from "../../../parts/large.ts";
import { Answered, Empty } from "../../../parts/states.tsx";
import { useAsk } from "../../../state/ask.ts";
import { change, place } from "../../../state/router.ts";
import { AskFirst, FileFrame, NotShown } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";
import { FolderView } from "./folder.tsx";
import type { Place } from "./folder.tsx";
import type { Listed } from "./folders.ts";
import { ImageView } from "./image.tsx";
import { JsonView } from "./json.tsx";
import { MarkdownView } from "./markdown.tsx";
import { MediaView } from "./media.tsx";
import { NotebookView } from "./notebook.tsx";
import { PageView } from "./page.tsx";
import { PdfView } from "./pdf.tsx";
import { TableView } from "./table.tsx";
import { TextView } from "./text.tsx";

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
  if (entry.is_dir) return <FolderView key={`${run.info.run_id}/${path}`} {...found} />;
  const shown = { run, path, bytes: entry.size_bytes ?? 0, modified: entry.modified_ms };
  return <FileView key={`${run.info.run_id}/${path}`} shown={shown} siblings={folders.known.get(folderOf(path))} />;
}

/** The kinds that are needed whole, and up to which size they are shown, bytes; larger ones of a kind that is text are shown as text. */
const WHOLE: Readonly<Partial<Record<ArtifactKind, { most: number; what: string; isText: boolean }>>> = {
  json: { most: 16_000_000, what: "JSON file", isText: true },
  notebook: { most: 32_000_000, what: "notebook", isText: true },
  markdown: { most: 1_000_000, what: "page", isText: true },
  // As the server sends them (docs/API.md, "Own API").
  page: { most: 33_554_432, what: "page", isText: true },
  pdf: { most: 100_000_000, what: "document", isText: false },
};

/** Kinds that can be seen as text as well, and what their own view is called. */
const CHOICES: Readonly<Partial<Record<ArtifactKind, string>>> = { json: "Tree", markdown: "Page", table: "Table", notebook: "Notebook", page: "Page" };

function FileView({ shown, siblings }: { shown: Shown; siblings: Listed | undefined }): JSX.Element {
  const kind = artifactKind(shown.path);
  const asText = place.value.state.show === "text";
  const choice = CHOICES[kind];
  const tools = choice !== undefined && (
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
  if (asText && kind !== "image") return <TextView shown={shown} tools={tools} folding={kind === "yaml"} />;
  const whole = WHOLE[kind];
  if (whole && shown.bytes > whole.most) {
    if (whole.isText) return <TextView shown={shown} said={`This ${whole.what} is too large for its own view, so it is shown as text.`} />;
    return <NotShown shown={shown} why={`This ${whole.what} is too large to be shown.`} />;
  }
  if (whole && isHeldBack(shown.bytes)) return <AskFirst shown={shown} what={whole.what} tools={tools} />;
  switch (kind) {
    case "image":
      return <ImageView shown={shown} siblings={siblings} />;
    case "text":
      return <TextView shown={shown} />;
    case "yaml":
      return <TextView shown={shown} folding />;
    case "table":
      return <TableView shown={shown} tools={tools} />;
    case "json":
      return <JsonView shown={shown} tools={tools} />;
    case "notebook":
      return <NotebookView shown={shown} tools={tools} />;
    case "markdown":
      return <MarkdownView shown={shown} tools={tools} />;
    case "page":
      return <PageView shown={shown} tools={tools} />;
    case "pdf":
      return <PdfView shown={shown} />;
    case "audio":
    case "video":
      return <MediaView shown={shown} kind={kind} />;
    case "active":
      return <NotShown shown={shown} asText why="Files of this kind can hold scripts or need a program of their own, so they are not opened in this page." />;
    case "other":
      return <NotShown shown={shown} asText why="There is no view for files of this kind." />;
  }
}
