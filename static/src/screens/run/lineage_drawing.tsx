// The drawing of a lineage: bars that are buttons, over the lines between them.

import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Lineage } from "../../api/runs.ts";
import { ticks, xLabels } from "../../charts/ticks.ts";
import { readShifts } from "../../lib/forks.ts";
import { whole } from "../../lib/format.ts";
import { BAR_PX, layLanes, neighbour } from "../../lib/lineage_lanes.ts";
import type { Bar, Lane, Lanes } from "../../lib/lineage_lanes.ts";
import { Name, Status } from "../../parts/basics.tsx";
import { addToBasket, basket, takeFromBasket } from "../../state/basket.ts";
import { now } from "../../state/clock.ts";
import { change, place } from "../../state/router.ts";
import { inUtc } from "../../state/zone.ts";
import { LineageCard, barWords } from "./lineage_card.tsx";

/** What is made above and below what is seen, pixels. */
const AROUND = 240;
/** Room for the words of a tick, pixels. */
const TICK = 100;
/** Of fewer ticks than this one cannot tell how long something took. */
const LEAST_TICKS = 4;
/** Bars from so wide on say their state in a word. */
const WORD = 84;

/** The lineage from left to right, and the card of the run that was chosen. */
export function LineageDrawing({ lineage }: { lineage: Lineage }): JSX.Element {
  const { state } = place.value;
  const along = state.x === "step" ? "steps" : "time";
  const box = useRef<HTMLDivElement>(null);
  const [view, look] = useView(box);
  const nowMs = now.value;
  const lanes = useMemo(
    () => layLanes(lineage, { along, width: view.width, nowMs, shifts: readShifts(state.shift), step: whole }),
    [lineage, along, view.width, nowMs, state.shift],
  );
  const chosen = lanes.bars.find(({ run_id }) => run_id === state.sel);
  const [focus, setFocus] = useState(lineage.run_id);
  const wantsFocus = useRef(false);
  const show = (run: string): void => {
    const bar = lanes.bars.find(({ run_id }) => run_id === run);
    const element = box.current;
    if (!bar || !element) return;
    const { scrollTop, clientHeight } = element;
    if (bar.top - 30 < scrollTop) element.scrollTop = bar.top - 30;
    else if (bar.top + BAR_PX + 40 > scrollTop + clientHeight) element.scrollTop = bar.top + BAR_PX + 40 - clientHeight;
    // The browser tells of it with its next frame, and the next key may come before.
    look();
  };
  const isWide = view.width > 0;
  // The run of the page is in sight at first, and what an arrow key leads to always.
  useLayoutEffect(() => {
    if (isWide) show(chosen?.run_id ?? lineage.run_id);
  }, [isWide]);
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const element = box.current?.querySelector<HTMLElement>(`[data-run="${CSS.escape(focus)}"]`);
    if (!element) return;
    wantsFocus.current = false;
    element.focus({ preventScroll: true });
  });
  const move = (event: KeyboardEvent): void => {
    const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-run]") : null;
    if (!keys.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey || !target) return;
    const next = neighbour(lanes.bars, target.dataset["run"] ?? "", event.key);
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    wantsFocus.current = true;
    setFocus(next.run_id);
    show(next.run_id);
  };
  const press = (bar: Bar, event: MouseEvent): void => {
    setFocus(bar.run_id);
    if (!event.shiftKey) change({ sel: chosen === bar ? undefined : bar.run_id }, "replace");
    else if (bar.node !== null) (basket.value.includes(bar.run_id) ? takeFromBasket : addToBasket)([bar.run_id]);
  };
  /** A name stands for the run of the page where that is of its lane, else for the first. Keys choose the bars themselves. */
  const pressName = (lane: Lane, event: MouseEvent): void => {
    const own = lanes.bars.filter((bar) => lanes.lanes[bar.lane] === lane);
    const bar = own.find(({ run_id }) => run_id === lineage.run_id) ?? own[0];
    if (bar) press(bar, event);
  };
  const several = new Set(lineage.trainings.map(({ training_id }) => training_id));
  const [first, last] = [view.top - AROUND, view.top + view.height + AROUND];
  const bars = lanes.bars.filter(({ top }) => top >= first && top <= last);
  const tabStop = bars.some(({ run_id }) => run_id === focus) ? focus : bars[0]?.run_id;
  const unplaced = along === "steps" ? lanes.bars.filter(({ placed, node }) => !placed && node !== null).length : 0;
  return (
    <div class="lineage-parts">
      <div class="panel lineage-frame">
        <Axis lanes={lanes} width={view.width} along={along} />
        <div class="lineage-scroll" ref={box} role="group" aria-label={`Lineage, by ${along}`} onKeyDown={move}>
          <div class="lineage-canvas" style={{ height: `${lanes.height}px` }}>
            <svg class="lineage-lines" width={view.width} height={lanes.height} aria-hidden="true">
              {lanes.lines
                .filter(({ top, bottom }) => bottom >= first && top <= last)
                .map(({ kind, from, to, path }) => (
                  <path key={`${kind} ${from} ${to}`} data-kind={kind} d={path} />
                ))}
            </svg>
            {lanes.lines.map(
              ({ to, branch }) => branch && branch.y >= first && branch.y <= last && <i key={to} class="lineage-branch" style={{ left: `${branch.x}px`, top: `${branch.y}px` }} />,
            )}
            {lanes.lanes
              .filter(({ top, height }) => top + height >= first && top <= last)
              .map((lane) => (
                <p key={lane.training} class="lineage-name" onClick={(event) => pressName(lane, event)} style={{ left: `${lane.left}px`, top: `${lane.top}px` }}>
                  <Name text={lane.name} />
                  {lane.how !== "" && <span class="how">{lane.how}</span>}
                </p>
              ))}
            {bars.map((bar) => (
              <BarView key={bar.run_id} bar={bar} own={bar.run_id === lineage.run_id} chosen={bar === chosen} numbered={several.has(bar.node?.training_id ?? "")} stop={bar.run_id === tabStop} press={press} />
            ))}
          </div>
        </div>
        <Legend />
      </div>
      {unplaced > 0 && (
        <p class="hint">
          {whole(unplaced)} {unplaced === 1 ? "run has" : "runs have"} no steps that are known, and {unplaced === 1 ? "stands" : "stand"} at the left.
          {lineage.nodes.length > 250 && " Of so many runs only trainings of several attempts, forks and their origins have any."}
        </p>
      )}
      {chosen ? (
        <LineageCard lineage={lineage} bar={chosen} close={() => change({ sel: undefined }, "replace")} />
      ) : (
        <p class="hint">A click on a run says what it is and what differs; with Shift it goes into the basket. Arrow keys lead from run to run.</p>
      )}
    </div>
  );
}

function BarView({
  bar,
  own,
  chosen,
  numbered,
  stop,
  press,
}: {
  bar: Bar;
  own: boolean;
  chosen: boolean;
  /** Whether it is one of several attempts. */
  numbered: boolean;
  /** Whether Tab leads here. */
  stop: boolean;
  press: (bar: Bar, event: MouseEvent) => void;
}): JSX.Element {
  const { run_id: id, node, left, top, width, placed } = bar;
  const held = basket.value.includes(id);
  const words = [barWords(bar), own ? "this run" : "", held ? "in the basket" : ""].filter((word) => word !== "").join(", ");
  return (
    <button
      type="button"
      class="lineage-bar"
      data-run={id}
      data-status={node?.status ?? "absent"}
      data-role={node?.role}
      data-own={own}
      data-held={held}
      data-placed={placed}
      data-attempt={width > 46 && numbered && node?.role === "attempt" ? node.attempt : undefined}
      aria-pressed={chosen}
      aria-label={words}
      title={words}
      tabIndex={stop ? 0 : -1}
      style={{ left: `${left}px`, top: `${top}px`, width: `${width}px` }}
      onClick={(event) => press(bar, event)}
    >
      {node && (width < WORD ? <span class="status" data-status={node.status} /> : <Status status={node.status} />)}
    </button>
  );
}

function Axis({ lanes: { from, to, xOf }, width, along }: { lanes: Lanes; width: number; along: "time" | "steps" }): JSX.Element {
  const kind = along === "time" ? "wall" : "step";
  const offsetMs = inUtc() ? 0 : -new Date(Number.isFinite(from) ? from : 0).getTimezoneOffset() * 60_000;
  const places = to > from ? ticks(from, to, Math.max(LEAST_TICKS, width / TICK), kind, offsetMs) : [];
  // One tick alone does not say how far apart ticks are.
  const labels = xLabels(places.length === 1 ? [...places, (places[0] ?? 0) + to - from] : places, kind, offsetMs);
  return (
    <div class="lineage-axis" aria-hidden="true">
      {places.map((at, index) => (
        <span key={at} style={{ left: `${Math.round(xOf(at))}px` }}>
          {labels[index]}
        </span>
      ))}
    </div>
  );
}

const KINDS = [
  ["resume", "resumed"],
  ["fork", "forked"],
  ["nest", "nested"],
  ["copy", "copied"],
] as const;

/** What the lines mean. */
function Legend(): JSX.Element {
  return (
    <ul class="lineage-legend" aria-label="Lines">
      {KINDS.map(([kind, word]) => (
        <li key={kind}>
          <svg class="lineage-lines" width="26" height="12" aria-hidden="true">
            <path data-kind={kind} d="M1 6H25" />
          </svg>
          {word}
        </li>
      ))}
    </ul>
  );
}

interface View {
  width: number;
  height: number;
  top: number;
}

/** How large a box is that scrolls, and how far it is scrolled. */
function useView(box: { readonly current: HTMLElement | null }): [view: View, look: () => void] {
  const [view, setView] = useState<View>({ width: 0, height: 0, top: 0 });
  const look = (): void => {
    if (box.current === null) return;
    const { clientWidth: width, clientHeight: height, scrollTop: top } = box.current;
    setView((before) => (before.width === width && before.height === height && Math.abs(before.top - top) < AROUND / 3 ? before : { width, height, top }));
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    look();
    const watch = new ResizeObserver(look);
    watch.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  return [view, look];
}
