import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { whole } from "../../../lib/format.ts";
import { readJson } from "../../../lib/json_text.ts";
import { readNotebook } from "../../../lib/notebook.ts";
import type { Cell, Output } from "../../../lib/notebook.ts";
import { Markdown } from "../../../parts/markdown.tsx";
import { Answered } from "../../../parts/states.tsx";
import { FileFrame } from "./file_frame.tsx";
import type { Shown } from "./file_frame.tsx";
import { TextView } from "./text.tsx";
import { useWholeText } from "./whole.ts";

/** As many cells are shown, and as many more with each wish. */
const CELLS = 50;
/** As many characters of a text; the rest is in the file as text. */
const CHARACTERS = 20_000;

/** A notebook as its cells; as text where it is none. */
export function NotebookView({ shown, tools }: { shown: Shown; tools: ComponentChildren }): JSX.Element {
  const asked = useWholeText(shown);
  const [most, setMost] = useState(CELLS);
  const cells = useMemo(() => {
    const read = typeof asked.answer === "string" ? readJson(asked.answer) : null;
    return read && "value" in read ? readNotebook(read.value) : null;
  }, [asked.answer]);
  if (asked.answer !== undefined && cells === null) return <TextView shown={shown} said="This is no notebook that can be read, so it is shown as text." />;
  return (
    <FileFrame shown={shown} tools={tools}>
      <div class="artifact-body scroll page" tabIndex={0} role="region" aria-label="Notebook">
        <Answered asked={asked} what="The file">
          {() => (
            <>
              {cells?.slice(0, most).map((cell, place) => <CellView key={place} cell={cell} />)}
              {cells && cells.length > most && (
                <button type="button" class="more-of" onClick={() => setMost(most + CELLS)}>
                  Show more ({whole(cells.length - most)} left)
                </button>
              )}
            </>
          )}
        </Answered>
      </div>
    </FileFrame>
  );
}

function CellView({ cell: { kind, source, count, outputs } }: { cell: Cell }): JSX.Element {
  if (kind === "markdown") return <Markdown text={source} />;
  return (
    <div class="cell">
      {source !== "" && <Words text={source} label={kind === "raw" ? "Raw" : count === null ? "Code" : `Code ${whole(count)}`} />}
      {outputs.map((output, place) => (
        <OutputView key={place} output={output} />
      ))}
    </div>
  );
}

function OutputView({ output }: { output: Output }): JSX.Element {
  if ("picture" in output) return <img src={output.picture} alt="Picture that the cell made" />;
  if ("left" in output) return <p class="hint any-text">Not shown here: {output.left.slice(0, 200)}</p>;
  return <Words text={output.text} label={output.isError ? "Error output" : "Output"} isError={output.isError} />;
}

function Words({ text, label, isError = false }: { text: string; label: string; isError?: boolean }): JSX.Element {
  return (
    <pre tabIndex={0} role="group" aria-label={label} data-kind={label.startsWith("Code") ? "code" : isError ? "error" : undefined}>
      {text.slice(0, CHARACTERS)}
      {text.length > CHARACTERS && <span class="hint">{`\n… ${whole(text.length - CHARACTERS)} characters more in the text of the file`}</span>}
    </pre>
  );
}
