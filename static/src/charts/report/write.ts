// The file of a report: one page with all that it needs, which asks nobody for anything.

import { script, style } from "report:text";
import { jsonForPage } from "../../lib/json_text.ts";
import { betterOf } from "../../state/better.ts";
import type { ReportData } from "./data.ts";
import { gather } from "./gather.ts";
import type { ReportWish } from "./gather.ts";
import { element } from "./element.ts";
import { pageOf } from "./page.ts";

/** Nothing but the script and the style of the file itself; what a report has of users can be neither. */
const POLICY = `default-src 'none'; script-src '${script.hash}'; style-src '${style.hash}'; base-uri 'none'; form-action 'none'`;

/** The text of the file. */
export async function reportText(wish: ReportWish): Promise<string> {
  const found = await gather(wish);
  const { runs, hidden, utc, state } = wish;
  const forks = state.origin === "1" ? [...wish.forks].map(([run, { step, before }]) => [run, { step, before }] as const) : [];
  const data: ReportData = { runs: runs.map(({ id, name }) => ({ id, name })), hidden, each: state.each === "1", utc, forks, cards: wish.cards };
  const head = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">${element("title", {}, wish.title).outerHTML}<style>${style.text}</style>`;
  const body = `${pageOf(wish, found, betterOf).outerHTML}<script type="application/json" id="data">${jsonForPage(data)}</script><script>${script.text}</script>`;
  return `<!doctype html>\n<html lang="en"><head>${head}</head><body>\n${body}\n</body></html>\n`;
}
