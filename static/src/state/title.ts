import { useLayoutEffect } from "preact/hooks";
import { shownView } from "./shown_view.ts";

/** Names the browser's window after what a screen shows, and the saved view that it is; undefined while that is not known yet. */
export function useTitle(text: string | undefined): void {
  const view = shownView.value;
  useLayoutEffect(() => {
    document.title = [view, text, "Windvane"].filter(Boolean).join(" · ");
  }, [text, view]);
}
