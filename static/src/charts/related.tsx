// The way to the plots of relations for screens: their code and their data come when they are seen.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { lazy } from "../parts/lazy.tsx";
import type { RelationsProps } from "./relations/relations.tsx";

const Relations = lazy("The relations", async () => (await import("./relations/relations.tsx")).Relations);

/** How far below the window they are fetched already. */
const NEAR = "300px";

export function Related(props: RelationsProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [seen, see] = useState(false);
  useEffect(() => {
    if (box.current === null || seen) return;
    const watch = new IntersectionObserver((entries) => see(entries.some(({ isIntersecting }) => isIntersecting)), { rootMargin: NEAR });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [seen]);
  return (
    <div ref={box} class="related">
      {seen && <Relations {...props} />}
    </div>
  );
}
