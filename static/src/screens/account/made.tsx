import type { ComponentChildren, JSX } from "preact";
import { CopyButton } from "../../parts/basics.tsx";

/** A token that was made just now, in one line to be copied, and what to do with it. */
export function MadeToken({ text, children }: { text: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="made" aria-label="The new token">
      <div class="made-line">
        <pre tabIndex={0}>
          <code>{text}</code>
        </pre>
        <CopyButton text={text} name="Copy the token" />
      </div>
      <p>{children}</p>
      <p class="hint">It is shown this once. Whoever has it can act as you, so keep it as you keep a password.</p>
    </section>
  );
}
