import type { Signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useKeys } from "../frame/keys.ts";
import { fromFork } from "../lib/forks.ts";
import { counted } from "../lib/format.ts";
import { Icon } from "../parts/basics.tsx";
import { useResting } from "../parts/resting.ts";
import { change, place } from "../state/router.ts";
import { choiceFor, withChoice } from "./choices.ts";
import { MOST_LINES } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { X_NAMES, axisOf } from "./settings.ts";

/** What is typed or dragged goes into the address when it rests so long, ms. */
const REST_MS = 300;
/** What the key for smoothing switches on. */
const USUAL_SMOOTHING = 0.6;
const COLUMNS = ["auto", "1", "2", "3", "4"];

/** What is chosen for all cards; all of it stands in the address but for how many cards stand side by side. */
export function Controls({
  scene,
  standardX,
  shown,
  filterError,
  columns,
  children,
}: {
  scene: Scene;
  standardX: string;
  /** How many metrics the filter left. */
  shown: number;
  filterError: string | null;
  columns: Signal<{ readonly columns?: string }>;
  children: ComponentChildren;
}): JSX.Element {
  const { settings, runs, hidden, metrics } = scene;
  const { state } = place.value;
  const log = choiceFor(state.y, "") === "log";
  const all = choiceFor(state.out, "") === "0";
  const zoomed = state.range !== undefined || state.yr !== undefined;
  const visible = runs.filter(({ id }) => !hidden.has(id)).length;
  const reset = (): void => change({ range: undefined, yr: undefined });
  const toggleLog = (): void => change({ y: withChoice(state.y, "", log ? undefined : "log") });
  useKeys({
    z: { name: "Reset zoom", run: reset },
    l: { name: "Logarithmic axis", run: toggleLog },
    s: { name: "Smoothing", run: () => change({ sm: settings.smoothing > 0 ? undefined : String(USUAL_SMOOTHING) }) },
  });
  return (
    <div class="chart-controls" role="group" aria-label="Charts">
      <Filter shown={shown} all={metrics.length} error={filterError} />
      <span class="chart-choice">
        <label for="chart-x">x</label>
        <select id="chart-x" value={settings.x} onChange={(event) => change({ x: event.currentTarget.value === standardX ? undefined : event.currentTarget.value, range: undefined, pin: undefined })}>
          {X_NAMES.map(([choice, name]) => (
            <option value={choice} key={choice}>
              {name}
            </option>
          ))}
          <optgroup label="Metric">
            {[...new Set([...metrics, ...(settings.x.startsWith("metrics.") ? [settings.x.slice(8)] : [])])].map((metric) => (
              <option value={`metrics.${metric}`} key={metric}>
                {metric}
              </option>
            ))}
          </optgroup>
        </select>
      </span>
      <button type="button" aria-pressed={log} onClick={toggleLog}>
        Log
      </button>
      <Smoothing value={settings.smoothing} />
      <button
        type="button"
        aria-pressed={!all}
        title="Leaves a few far points outside, and says so, where they would flatten the curve"
        onClick={() => change({ out: withChoice(state.out, "", all ? undefined : "0") })}
      >
        Cut outliers
      </button>
      {visible > MOST_LINES && (
        <button type="button" aria-pressed={settings.each} onClick={() => change({ each: settings.each ? undefined : "1" })}>
          {settings.each ? `Each of ${visible} runs` : `Draw all ${visible} runs`}
        </button>
      )}
      <FromOrigin scene={scene} />
      <span class="chart-choice">
        <label for="chart-columns">Columns</label>
        <select id="chart-columns" value={columns.value.columns ?? "auto"} onChange={(event) => (columns.value = event.currentTarget.value === "auto" ? {} : { columns: event.currentTarget.value })}>
          {COLUMNS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </span>
      <button type="button" disabled={!zoomed} onClick={reset}>
        <Icon name="zoom" /> Reset zoom
      </button>
      {children}
    </div>
  );
}

/** Draws forks from the beginning of what they come from; there where one of the runs is a fork. */
function FromOrigin({ scene: { forks, settings, runs, hidden } }: { scene: Scene }): JSX.Element | null {
  if (forks.size === 0) return null;
  // Along time there is no step to begin at.
  const range = axisOf(settings.x, "").kind === "step" ? fromFork(runs.flatMap(({ id }) => (hidden.has(id) ? [] : (forks.get(id) ?? [])))) : null;
  const unknown = runs.filter(({ id }) => forks.get(id)?.step === null);
  return (
    <>
      <button
        type="button"
        aria-pressed={settings.origin}
        title="Draws before a fork what its origin did up to there, faded"
        onClick={() => change({ origin: settings.origin ? undefined : "1" })}
      >
        From origin
      </button>
      {range && (
        <button type="button" onClick={() => change({ range: range.join(":") })}>
          From the fork on
        </button>
      )}
      {settings.origin && unknown.length > 0 && (
        <span class="hint" role="status">
          Where {unknown.length === 1 ? <bdi>{unknown[0]?.name}</bdi> : counted(unknown.length, "fork")} left {unknown.length === 1 ? "its" : "their"} origin is not known: steps began anew.
        </span>
      )}
    </>
  );
}

function Filter({ shown, all, error }: { shown: number; all: number; error: string | null }): JSX.Element {
  const [text, setText] = useResting(place.value.state.m ?? "", REST_MS, (rested) => {
    change({ m: rested }, "replace");
    return rested;
  });
  return (
    <label class="chart-choice chart-filter">
      <span class="unseen">Filter metrics</span>
      <input
        type="search"
        placeholder="Filter metrics: words or /regex/"
        value={text}
        aria-invalid={error !== null}
        aria-describedby="chart-filter-found"
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <span id="chart-filter-found" class={error === null ? "hint" : "bad"} role="status">
        {error ?? (shown === all ? counted(all, "metric") : `${shown} of ${all}`)}
      </span>
    </label>
  );
}

function Smoothing({ value }: { value: number }): JSX.Element {
  const [text, setText] = useResting(String(value), REST_MS, (rested) => {
    change({ sm: Number(rested) > 0 ? rested : undefined }, "replace");
    return String(Number(rested));
  });
  return (
    <label class="chart-choice">
      <span>Smoothing</span>
      <input type="range" min="0" max="0.99" step="0.01" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <output class="figure">{Number(text).toFixed(2)}</output>
    </label>
  );
}
