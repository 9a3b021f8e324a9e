import { parsePlace, runRoute } from "./place.ts";
import type { Place } from "./place.ts";

const RUN_ID = /^[0-9a-f]{32}$/;

/**
 * Where a text that somebody pasted leads: a run's id, or a link of MLflow or of ours, from whatever server; null for other texts.
 * Which experiment a run is in here is not known from them.
 */
export function pastedPlace(text: string): Place | null {
  const written = text.trim();
  if (RUN_ID.test(written)) return { route: runRoute("0", written), state: {} };
  const hash = /^(?:https?:\/\/[^\s#]*)?(#\/\S*)$/.exec(written)?.[1];
  if (hash === undefined) return null;
  const place = parsePlace(hash);
  return place.route.screen === "unknown" ? null : place;
}
