import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useInView } from "../../parts/in_view.ts";
import { lazy } from "../../parts/lazy.tsx";
import type { Compared } from "./run_head.tsx";

const Images = lazy("The images", async () => (await import("./images.tsx")).Images);

/** The images of the runs, which are looked for once somebody scrolls to them: that takes a request a folder. */
export function ImagesSection({ compared }: { compared: Compared }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const inView = useInView(box);
  const [wanted, want] = useState(false);
  useEffect(() => {
    if (inView) want(true);
  }, [inView]);
  return (
    <div class="images-section" ref={box}>
      {wanted && <Images compared={compared} />}
    </div>
  );
}
