import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { attempt } from "./notice.tsx";

/** A button that asks back in its own place before it does something to `name`, such as to revoke it. */
export function SureButton({ verb, doing, name, act }: { verb: string; doing: string; name: string; act: () => Promise<void> }): JSX.Element {
  const [isMeant, mean] = useState(false);
  const really = `Really ${verb.toLowerCase()}`;
  return (
    <button
      type="button"
      aria-label={isMeant ? `${really} ${name}?` : `${verb} ${name}`}
      // Whoever goes elsewhere did not mean it.
      onBlur={() => mean(false)}
      onClick={(event) => {
        // Not every browser does it.
        event.currentTarget.focus();
        mean(!isMeant);
        if (isMeant) void attempt(doing, act);
      }}
    >
      {isMeant ? `${really}?` : verb}
    </button>
  );
}
