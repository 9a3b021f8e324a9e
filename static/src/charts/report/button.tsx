import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { saveText } from "../../lib/download.ts";
import { fileName } from "../../lib/file_name.ts";
import { Icon } from "../../parts/basics.tsx";
import { attempt } from "../../parts/notice.tsx";
import { place } from "../../state/router.ts";
import { inUtc } from "../../state/zone.ts";
import type { Part } from "../origin.ts";
import type { Card } from "../sections.ts";
import { settingsOf } from "../settings.ts";
import type { XChoice } from "../settings.ts";
import { gatherCurves } from "./curves.ts";
import type { ReportWish } from "./gather.ts";

/** Saves what is compared, or a run, as one file of HTML that needs no server. */
export function ReportButton({
  cards,
  standardX,
  parts,
  ...wish
}: Pick<ReportWish, "title" | "runs" | "experiments" | "base" | "hidden" | "forks"> & { cards: readonly Card[]; standardX: XChoice; parts: readonly Part[] }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    await attempt("Making the report", async () => {
      const { state } = place.value;
      const settings = settingsOf(state, standardX);
      const [{ reportText }, curves] = await Promise.all([import("./write.ts"), gatherCurves(wish, parts, cards, settings, state)]);
      const more = { cards: curves, leftOut: cards.length - curves.length, joined: settings.x === "joined" };
      const text = await reportText({ ...wish, ...more, state, utc: inUtc(), address: location.href, made: Date.now() });
      saveText(fileName([wish.title], "html"), "text/html", text);
    });
    setBusy(false);
  };
  return (
    <button type="button" aria-busy={busy} aria-disabled={busy} title="One HTML file with these curves and tables, to be read without this server" onClick={() => void save()}>
      <Icon name="download" /> {busy ? "Making the report" : "HTML report"}
    </button>
  );
}
