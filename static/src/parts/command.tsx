import type { JSX } from "preact";
import { shellWord } from "../lib/format.ts";
import { CopyButton } from "./basics.tsx";

/** The command that does the same on the machine of the server, word by word. */
export function Command({ words }: { words: readonly string[] }): JSX.Element {
  const text = ["windvane", ...words.map(shellWord)].join(" ");
  return (
    <p class="command hint">
      <span>By command:</span> <code>{text}</code>
      <CopyButton text={text} name="Copy the command" small />
    </p>
  );
}
