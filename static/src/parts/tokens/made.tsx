import type { ComponentChildren, JSX } from "preact";
import { CopyButton } from "../basics.tsx";

/** A secret that was made just now, in one line to be copied, and what to do with it. `what` names it: "token". */
export function MadeSecret({ what, text, children }: { what: string; text: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="made" aria-label={`The new ${what}`}>
      <div class="made-line">
        <pre tabIndex={0}>
          <code>{text}</code>
        </pre>
        <CopyButton text={text} name={`Copy the ${what}`} />
      </div>
      {children}
    </section>
  );
}

/** A token that was made just now. */
export function MadeToken({ text, children }: { text: string; children: ComponentChildren }): JSX.Element {
  return (
    <MadeSecret what="token" text={text}>
      <p>{children}</p>
      <p class="hint">It is shown this once. Whoever has it can act as you, so keep it as you keep a password.</p>
    </MadeSecret>
  );
}
