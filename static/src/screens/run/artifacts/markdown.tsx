import type { ComponentChildren, JSX } from "preact";
import { Markdown } from "../../../parts/markdown.tsx";
import { Answered } from "../../../parts/states.tsx";
import { TextView } from "./text.tsx";
import { FileFrame } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";
import { useWholeText } from "./whole.ts";

/** A Markdown file as a page. */
export function MarkdownView({ shown, tools }: { shown: Shown; tools: ComponentChildren }): JSX.Element {
  const asked = useWholeText(shown);
  if (asked.answer === null) return <TextView shown={shown} tools={tools} />;
  return (
    <FileFrame shown={shown} tools={tools}>
      <div class="artifact-body scroll page" tabIndex={0} role="region" aria-label="Page">
        <Answered asked={asked} what="The file">
          {(text) => <Markdown text={text ?? ""} />}
        </Answered>
      </div>
    </FileFrame>
  );
}
