// The curves of a report, as the cards have them. The rest of a report is made by a part of the page that is loaded then.

import { readCurves } from "../feed.ts";
import { partsFor } from "../origin.ts";
import type { Part } from "../origin.ts";
import type { Card } from "../sections.ts";
import { axisOf, scaleWish, xName } from "../settings.ts";
import type { Settings } from "../settings.ts";
import type { State } from "../../state/place.ts";
import { planOf, slim } from "./data.ts";
import type { ReportCard } from "./data.ts";
import type { ReportWish } from "./gather.ts";

/** The curves of these cards, of as many as there is room for, with those of what forks come from. */
export function gatherCurves(
  { runs, hidden }: Pick<ReportWish, "runs" | "hidden">,
  parts: readonly Part[],
  cards: readonly Card[],
  settings: Settings,
  state: State,
): Promise<readonly ReportCard[]> {
  const { smoothing, range } = settings;
  const ids = runs.map(({ id }) => id);
  const plan = planOf(runs.length + parts.length, cards.length, smoothing > 0 ? 4 : 3);
  const end = new AbortController();
  const curves = async ({ id, metrics }: Card): Promise<ReportCard> => {
    const { x, joined, kind } = axisOf(settings.x, metrics[0] ?? "");
    const more = { ...(joined && { joined }), ...(range && { range }), ...(smoothing > 0 && { smoothing }) };
    const { overTime, ...answer } = await readCurves({ run_ids: ids, metrics, x, buckets: plan.buckets, ...more }, end.signal, partsFor(parts, kind, metrics), new Set(hidden));
    const axis = overTime ? "relative" : kind;
    return { id, metrics, axis, xName: xName(settings.x, axis), overTime, wish: scaleWish(state, id), answer: slim(answer) };
  };
  return Promise.all(cards.slice(0, plan.cards).map(curves));
}
