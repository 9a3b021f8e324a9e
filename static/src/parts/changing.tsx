import type { ComponentChildren, JSX } from "preact";
import { mayChange } from "../state/session.ts";

/** What changes something on the server: it is there only where that can be done. */
export function Changing({ children }: { children: ComponentChildren }): JSX.Element | null {
  return mayChange.value ? <>{children}</> : null;
}
