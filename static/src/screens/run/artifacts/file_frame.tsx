// What all views of files share: the head, and what stands in the place of a file that is not shown.

import type { ComponentChildren, JSX } from "preact";
import { fileUrl } from "../../../api/artifacts.ts";
import type { Run } from "../../../api/runs.ts";
import { nameOf } from "../../../lib/artifact_kind.ts";
import { size } from "../../../lib/format.ts";
import { CopyButton, Icon, Name, Time } from "../../../parts/basics.tsx";
import { largeToo } from "../../../parts/large.ts";
import { Empty } from "../../../parts/states.tsx";
import { change } from "../../../state/router.ts";

/** A file that is shown. */
export interface Shown {
  run: Run;
  path: string;
  bytes: number;
  /** When it was written, if that is known. */
  modified: number | undefined;
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

/** Where a file cannot be shown: why, and what is left. */
export function NotShown({ shown, title = "Not shown here", why, asText = false }: { shown: Shown; title?: string; why: string; asText?: boolean }): JSX.Element {
  return (
    <FileFrame shown={shown}>
      <Empty title={title}>
        <p>{why} It can be downloaded.</p>
        {asText && (
          <button type="button" onClick={() => change({ show: "text" })}>
            Show as text
          </button>
        )}
      </Empty>
    </FileFrame>
  );
}

/** Asks before it shows a large file. */
export function AskFirst({ shown, what, tools }: { shown: Shown; what: string; tools?: ComponentChildren }): JSX.Element {
  return (
    <FileFrame shown={shown} tools={tools}>
      <Empty title={`This ${what} has ${size(shown.bytes)}.`}>
        <button type="button" onClick={() => (largeToo.value = true)}>
          Show it, and other large ones
        </button>
      </Empty>
    </FileFrame>
  );
}
