// The script of a report, which stands in its file: draws the curves that the page has as JSON. It asks nobody for anything.

import { inks } from "../../lib/colours.ts";
import { Chart } from "./chart.ts";
import type { Board } from "./chart.ts";
import type { ReportData } from "./data.ts";
import { element, lineSample } from "./element.ts";

const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}") as ReportData;
const hidden = new Set(data.hidden);
const place = document.getElementById("curves");

const board: Board = {
  scene: { runs: data.runs, hidden, each: data.each, forks: new Map(data.forks) },
  utc: data.utc,
  ranges: new Map(),
  lifted: null,
  zoom: (xName, range) => {
    if (range === null) board.ranges.delete(xName);
    else board.ranges.set(xName, range);
    drawAll();
  },
  lift: (run) => {
    if (run === board.lifted) return;
    board.lifted = run;
    for (const chart of seen) chart.relift();
  },
};
const charts = data.cards.map((card) => new Chart(card, board));
/** The charts in the window, or nearly: the others are drawn when they come there. */
const seen = new Set<Chart>();

function drawAll(): void {
  for (const chart of seen) chart.draw();
}

/** The runs with their lines: a click hides one or shows it again, pointing at one lifts its curves. */
function legend(): HTMLElement {
  const ink = inks(data.runs.map(({ id }) => id));
  const items = data.runs.map(({ id, name }) => {
    const button = element("button", { type: "button", "aria-pressed": String(!hidden.has(id)) }, lineSample(ink.get(id) ?? { hue: 0, dash: [] }), element("bdi", {}, name));
    button.addEventListener("click", () => {
      if (!hidden.delete(id)) hidden.add(id);
      button.setAttribute("aria-pressed", String(!hidden.has(id)));
      board.scene = { ...board.scene, hidden: new Set(hidden) };
      drawAll();
    });
    button.addEventListener("pointerenter", () => board.lift(hidden.has(id) ? null : id));
    button.addEventListener("pointerleave", () => board.lift(null));
    return element("li", {}, button);
  });
  return element("ul", { class: "legend", "aria-label": "Runs" }, ...items);
}

if (place !== null) {
  const grid = element("div", { class: "grid" }, ...charts.map((chart) => chart.element));
  place.replaceChildren(...(data.runs.length > 1 ? [legend()] : []), grid);
  const byElement = new Map<Element, Chart>(charts.map((chart) => [chart.element, chart]));
  const watch = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const chart = byElement.get(target);
        if (chart === undefined) continue;
        if (isIntersecting && !seen.has(chart)) {
          seen.add(chart);
          chart.draw();
        } else if (!isIntersecting) seen.delete(chart);
      }
    },
    { rootMargin: "400px" },
  );
  for (const chart of charts) watch.observe(chart.element);
  addEventListener("resize", drawAll);
  // Paper has all of them, and its own width: they stretch to it.
  addEventListener("beforeprint", () => {
    for (const chart of charts) chart.draw();
  });
}
