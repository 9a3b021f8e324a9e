// The page of a report: its tables as they stand in the file, to be read without a script too.

import { bestOf, shownOf, whichOf } from "../../lib/metric_values.ts";
import type { Better } from "../../lib/better.ts";
import { inks } from "../../lib/colours.ts";
import { ATTEMPT_ONLY, keyNote, valueText } from "../../lib/diff_text.ts";
import { originWords } from "../../lib/forks.ts";
import { counted, duration, number, second, whole } from "../../lib/format.ts";
import { configuredFirst } from "../../lib/told_differences.ts";
import { element, lineSample } from "./element.ts";
import type { Gathered, ReportRun, ReportWish } from "./gather.ts";

/** Longer tables and values are cut, and it is said. */
const MOST_ROWS = 500;
const MOST_CELLS = 10_000;
const MOST_LETTERS = 300;
const ADDRESS_LETTERS = 64;

/** All that is seen of a report; the curves come below `#curves`. */
export function pageOf(wish: ReportWish, found: Gathered, betterOf: (metric: string) => Better): HTMLElement {
  const { state } = wish;
  const zone = wish.utc ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
  const drawn = counted(wish.cards.length, "chart");
  const notes = [
    wish.leftOut === 0 ? drawn : `${drawn}, ${whole(wish.leftOut)} more had no room`,
    ...(state.range === undefined ? [] : [`x from ${state.range.replace(":", " to ")}`]),
    ...(Number(state.sm) > 0 ? [`smoothed by ${state.sm ?? ""}`] : []),
  ];
  return element(
    "main",
    {},
    element("h1", {}, element("bdi", {}, wish.title)),
    element("p", { class: "soft" }, `Made ${second(wish.made, wish.utc)} (${zone}) from `, element("bdi", { title: wish.address }, shortened(wish.address)), " · ", element("a", { href: wish.address, rel: "noopener noreferrer" }, "Open it there")),
    section("Runs", runTable(wish, found)),
    section("Curves", element("p", { class: "soft" }, `${notes.join(" · ")}. Drag to zoom, double click for all.`), element("div", { id: "curves" }, soft("The curves are drawn by a script of this file, which did not run here."))),
    ...(found.diff ? [section("What differs", ...differences(wish, found))] : []),
    ...(found.params.length > 0 ? [section("Params", ...table(["Name", "Value"], found.params.map(({ key, value }) => [key, cut(value)])))] : []),
    section("Values", ...valueTables(wish, found, betterOf)),
  );
}

function section(title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return element("section", { "aria-label": title }, element("h2", {}, title), ...children);
}

function runTable({ runs, base, hidden, forks, utc, joined }: ReportWish, { facts }: Gathered): HTMLElement {
  const ink = inks(runs.map(({ id }) => id));
  const rows = runs.map(({ id, name }) => {
    const { experiment = "", status = "", user = "", started = null, ended = null } = facts.get(id) ?? {};
    const marks = [...(id === base && runs.length > 1 ? ["base"] : []), ...(hidden.includes(id) ? ["hidden"] : [])];
    const fork = forks.get(id);
    const title = element("th", { scope: "row" }, lineSample(ink.get(id) ?? { hue: 0, dash: [] }), " ", element("bdi", {}, name), ...(marks.length > 0 ? [mark(` ${marks.join(", ")}`)] : []));
    if (fork !== undefined) title.append(element("div", { class: "mark" }, element("bdi", {}, originWords(fork))));
    const took = started !== null && ended !== null ? duration(ended - started) : "";
    const cells = [id, experiment, status.toLowerCase(), user, started === null ? "" : second(started, utc), took];
    return element("tr", {}, title, ...cells.map((text) => element("td", {}, element("bdi", {}, text))));
  });
  return framed(headRow(["Run", "Id", "Experiment", "Status", "User", "Started", joined ? `Duration, ${ATTEMPT_ONLY}` : "Duration"]), rows, "Runs");
}

function differences({ utc, base, joined }: ReportWish, { diff, columns }: Gathered): readonly HTMLElement[] {
  if (diff === null) return [];
  const places = columns.map(({ id }) => diff.run_ids.indexOf(id));
  const rows = configuredFirst(diff.rows).slice(0, mostRows(columns)).map((row) => {
    const note = keyNote(row, joined);
    const told = places.map((place) => row.values[place] ?? null);
    const cells = told.map((value, column) => {
      const changed = column > 0 && value !== told[0];
      return element("td", changed ? { class: "changed" } : {}, ...(changed ? [mark("≠ ")] : []), element("bdi", {}, cut(valueText(row, value, utc))));
    });
    return element("tr", {}, element("th", { scope: "row" }, mark(`${row.kind} `), element("bdi", {}, row.key), ...(note === "" ? [] : [mark(` ${note}`)])), ...cells);
  });
  if (rows.length === 0) return [soft("These runs do not differ in attributes, params or tags.")];
  return [framed(runHead("Name", columns, base), rows, "What differs"), ...cutNote(diff.rows.length, mostRows(columns), diff.truncated)];
}

function valueTables({ base, state }: ReportWish, { values, columns }: Gathered, betterOf: (metric: string) => Better): readonly HTMLElement[] {
  const { which, step } = whichOf(state);
  const places = columns.map(({ id }) => values.run_ids.indexOf(id));
  const ofSystem = (metric: string): number => Number(metric.startsWith("system/"));
  const present = values.rows.filter(({ cells }) => places.some((place) => cells[place])).sort((one, other) => ofSystem(one.metric) - ofSystem(other.metric));
  const rows = present.slice(0, mostRows(columns)).map(({ metric, cells }) => {
    const better = betterOf(metric);
    const all = places.map((place) => shownOf(cells[place], which, better));
    const winners = bestOf(all, better);
    const told = all.map((shown, column) => {
      const { min = null, max = null } = cells[places[column] ?? -1] ?? {};
      // Where neither low nor high is known to be good, all that there was.
      if (which === "best" && better === "none") return element("td", {}, ...(min === null || max === null ? [] : [mark(`${number(min)} to ${number(max)}`)]));
      if (shown === null) return element("td");
      const isBest = winners.has(column);
      return element("td", { title: String(shown.value) }, element("span", isBest ? { class: "best" } : {}, number(shown.value) + (isBest ? " best" : "")), ...(shown.step === step ? [] : [mark(` @\u00a0${whole(shown.step)}`)]));
    });
    return element("tr", {}, element("th", { scope: "row" }, element("bdi", {}, metric)), ...told);
  });
  if (rows.length === 0) return [soft("No metrics were logged.")];
  return [framed(runHead(step === undefined ? `Metric, ${which} value @ step` : `Metric, value at step ${whole(step)}`, columns, base), rows, "Values"), ...cutNote(present.length, mostRows(columns), values.truncated)];
}

function runHead(corner: string, columns: readonly ReportRun[], base: string | null): HTMLElement {
  const cells = columns.map(({ id, name }) => element("th", { scope: "col" }, element("bdi", {}, name), ...(id === base && columns.length > 1 ? [mark(" base")] : [])));
  return element("tr", {}, element("th", { scope: "col" }, corner), ...cells);
}

function headRow(titles: readonly string[]): HTMLElement {
  return element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
}

function table(titles: readonly string[], rows: readonly (readonly [string, string])[]): readonly HTMLElement[] {
  const lines = rows.slice(0, MOST_ROWS).map(([key, value]) => element("tr", {}, element("th", { scope: "row" }, element("bdi", {}, key)), element("td", {}, element("bdi", {}, value))));
  return [framed(headRow(titles), lines, "Params"), ...cutNote(rows.length, MOST_ROWS, false)];
}

function framed(head: HTMLElement, rows: readonly HTMLElement[], name: string): HTMLElement {
  const made = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${name} as table` }, made);
}

function mostRows(columns: readonly ReportRun[]): number {
  return Math.min(MOST_ROWS, Math.floor(MOST_CELLS / columns.length));
}

function cutNote(rows: number, most: number, truncated: boolean): readonly HTMLElement[] {
  return rows > most || truncated ? [soft(`Only the first ${whole(Math.min(rows, most))} rows are here.`)] : [];
}

function mark(text: string): HTMLElement {
  return element("span", { class: "mark" }, text);
}

function soft(text: string): HTMLElement {
  return element("p", { class: "soft" }, text);
}

/** An address that is not longer than a line; what is left out is in its middle. */
function shortened(text: string): string {
  return text.length <= ADDRESS_LETTERS ? text : `${text.slice(0, ADDRESS_LETTERS / 2)}…${text.slice(-ADDRESS_LETTERS / 2)}`;
}

function cut(text: string): string {
  return text.length <= MOST_LETTERS ? text : `${text.slice(0, MOST_LETTERS).replace(/\p{Cs}$/u, "")}…`;
}
