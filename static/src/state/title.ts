import { useEffect } from "preact/hooks";

/** Names the browser's window after what a screen shows; undefined while that is not known yet. */
export function useTitle(text: string | undefined): void {
  useEffect(() => {
    document.title = text === undefined || text === "" ? "Windvane" : `${text} · Windvane`;
  }, [text]);
}
