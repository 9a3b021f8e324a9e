import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { attempt } from "./notice.tsx";

/** How long the button asks whether it is meant, ms. */
const DOUBT_MS = 5_000;

/** A button that asks back in its own place before it does something to `name`, such as to revoke it. */
export function SureButton({ verb, doing, name, act }: { verb: string; doing: string; name: string; act: () => Promise<void> }): JSX.Element {
  const [isMeant, mean] = useState(false);
  useEffect(() => {
    if (!isMeant) return;
    const timer = setTimeout(() => mean(false), DOUBT_MS);
    return () => clearTimeout(timer);
  }, [isMeant]);
  const really = `Really ${verb.toLowerCase()}`;
  return (
    <button
      type="button"
      aria-label={isMeant ? `${really} ${name}?` : `${verb} ${name}`}
      onClick={() => {
        mean(!isMeant);
        if (isMeant) void attempt(doing, act);
      }}
    >
      {isMeant ? `${really}?` : verb}
    </button>
  );
}
