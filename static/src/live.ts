import { EXPERIMENTS_READ, Failure, experiments, newestRuns, ready, version } from "./api.ts";
import type { Experiment, Experiments, RunInfo } from "./api.ts";
import { byId, element } from "./dom.ts";
import { count, duration, fullMoment, moment } from "./format.ts";
import { signInLink } from "./user.ts";

/** Pause between two looks at the server while the page is visible, ms. */
const PAUSE_MS = 10_000;

/** Longest pause when the server does not answer, ms. */
const LONGEST_PAUSE_MS = 60_000;

/** Stands for the answer of a server that was asked already. */
const SIGN_IN = new Failure(401, "sign in");

const STATUS_WORDS: Readonly<Record<string, string>> = {
  RUNNING: "Running",
  SCHEDULED: "Scheduled",
  FINISHED: "Finished",
  FAILED: "Failed",
  KILLED: "Killed",
};

/**
 * Shows what is on the server and keeps it up to date while the page is visible. `refused` is called when the server wants
 * to know who asks.
 */
export function followServer(refused: () => void): void {
  const facts = {
    experiments: fact("Experiments"),
    latest: fact("Last run started"),
    version: fact("Compatible with"),
  };
  byId("facts").append(...Object.values(facts).map((shown) => shown.box));
  byId("runs").replaceChildren(skeleton());

  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = PAUSE_MS;
  let lastUpdate: Date | null = null;
  let looking = false;
  /** Whether the data is for who signs in. It is not asked for again until somebody may have done so in another window. */
  let closed = false;

  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    clearTimeout(timer);
    const reached = await lookOnce();
    looking = false;
    pauseMs = reached ? PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    if (!document.hidden) timer = setTimeout(look, pauseMs);
  };

  /** One look; each part that fails says so in its own place. Returns whether the server answered at all. */
  const lookOnce = async (): Promise<boolean> => {
    const asked = closed ? Promise.reject(SIGN_IN) : experiments();
    const [state, known, answered] = await Promise.allSettled([ready(), asked, version()]);
    showState(state);
    if (answered.status === "fulfilled") facts.version.set(`MLflow ${answered.value}`);
    if (known.status === "fulfilled") facts.experiments.set(count(known.value.found.length, known.value.more));
    try {
      if (known.status === "rejected") throw known.reason;
      const runs = await newestRuns(known.value.found.map((experiment) => experiment.experiment_id));
      showRuns(runs, known.value);
      const latest = runs[0]?.start_time;
      facts.latest.set(latest === undefined ? "never" : moment(latest, Date.now()));
      lastUpdate = new Date();
      byId("updated").textContent = `Updated ${lastUpdate.toLocaleTimeString("en-GB")}`;
    } catch (failure) {
      if (failure instanceof Failure && failure.status === 401) {
        if (!closed) refused();
        closed = true;
        facts.experiments.hide();
        facts.latest.hide();
        showClosed();
      } else {
        showFailure(failure, lastUpdate, look);
      }
    }
    Object.values(facts).forEach((shown) => shown.giveUp());
    return state.status === "fulfilled";
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else {
      closed = false;
      void look();
    }
  });
  void look();
}

/** A named value on the page. */
interface Fact {
  box: HTMLElement;
  /** Shows a value. */
  set(text: string): void;
  /** Ends the waiting for a value that could not be had; one that was there before stays. */
  giveUp(): void;
  /** Takes away a value that is not for who asks. */
  hide(): void;
}

/** A named value; until it is known a grey bar stands in its place. */
function fact(name: string): Fact {
  const value = element("dd", { class: "waiting" }, " ");
  const set = (text: string): void => {
    value.className = "";
    value.textContent = text;
  };
  return {
    box: element("div", { class: "fact" }, element("dt", {}, name), value),
    set,
    giveUp: () => {
      if (value.className === "waiting") set("unknown");
    },
    hide: () => set("–"),
  };
}

function showState(state: PromiseSettledResult<boolean>): void {
  const shown = byId("state");
  const [name, words] =
    state.status === "rejected"
      ? ["lost", "Connection lost"]
      : state.value
        ? ["ready", "Ready"]
        : ["waiting", "Not ready"];
  // A live region speaks at every write, so only a change is written.
  if (shown.dataset["state"] === name) return;
  shown.dataset["state"] = name;
  shown.textContent = words;
}

function showRuns(runs: readonly RunInfo[], known: Experiments): void {
  const shown = byId("runs");
  // Replacing what somebody is selecting would take it from under the pointer; the next look will do.
  const selection = getSelection();
  if (selection !== null && !selection.isCollapsed && shown.contains(selection.anchorNode)) return;
  shown.replaceChildren(runs.length === 0 ? nothing(known.found) : table(runs, known));
}

function table(runs: readonly RunInfo[], known: Experiments): HTMLElement {
  const names = new Map(known.found.map((experiment) => [experiment.experiment_id, experiment.name]));
  const now = Date.now();
  const heads = ["Run", "Status", "Started", "Duration", "Experiment"];
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...runs.map((run) => row(run, names.get(run.experiment_id) ?? run.experiment_id, now))),
    ),
    known.more ? element("p", { class: "hint" }, `Looked at the newest ${count(EXPERIMENTS_READ, false)} experiments.`) : null,
  );
}

function row(run: RunInfo, experiment: string, now: number): HTMLElement {
  const name = run.run_name || run.run_id;
  const started = run.start_time === undefined ? "" : moment(run.start_time, now);
  const end = run.end_time ?? (run.status === "RUNNING" ? now : undefined);
  const length = run.start_time === undefined || end === undefined ? "" : duration(end - run.start_time);
  return element(
    "tr",
    {},
    element(
      "th",
      { scope: "row" },
      element("span", { class: "name", title: name }, name),
      element("code", { class: "id", title: run.run_id }, run.run_id.slice(0, 8)),
    ),
    element("td", {}, element("span", { class: "status", "data-status": run.status }, STATUS_WORDS[run.status] ?? run.status)),
    element("td", run.start_time === undefined ? {} : { title: fullMoment(run.start_time) }, started),
    element("td", {}, length),
    element("td", {}, element("span", { class: "name", title: experiment }, experiment)),
  );
}

function nothing(known: readonly Experiment[]): HTMLElement {
  const where = known.length === 0 ? "There is no experiment yet." : "No run has been logged yet.";
  return element(
    "div",
    { class: "empty" },
    element("p", { class: "empty-title" }, where),
    element("p", {}, "Run the three lines above; the run appears here within ten seconds."),
  );
}

function skeleton(): HTMLElement {
  const bars = Array.from({ length: 4 }, () => element("div", { class: "waiting row" }));
  return element("div", { class: "skeleton", role: "status", "aria-label": "Loading the newest runs" }, ...bars);
}

/** Says where to sign in. What was there before goes: it is not for who has signed out. */
function showClosed(): void {
  byId("runs").replaceChildren(
    element(
      "div",
      { class: "empty" },
      element("p", { class: "empty-title" }, "The runs are for those who sign in."),
      element("p", {}, signInLink("./")),
    ),
  );
  byId("updated").textContent = "";
}

/** Says what failed above the data that was there before, which stays, dimmed. */
function showFailure(cause: unknown, lastUpdate: Date | null, retry: () => void): void {
  const failure = cause instanceof Failure ? cause : new Failure(0, String(cause));
  const button = element("button", { type: "button" }, "Retry");
  button.addEventListener("click", retry);
  const facts = [
    failure.status === 0 ? null : `status ${failure.status}`,
    failure.requestId === null ? null : `request ${failure.requestId}`,
    lastUpdate === null ? null : `last update ${lastUpdate.toLocaleTimeString("en-GB")}`,
  ].filter((text) => text !== null);
  const box = element(
    "div",
    { class: "failure", role: "status" },
    element("p", {}, element("strong", {}, "The runs cannot be shown: "), failure.message),
    facts.length === 0 ? null : element("p", { class: "hint" }, facts.join(" · ")),
    button,
  );
  const old = lastUpdate === null ? null : byId("runs").querySelector(".scroll, .empty");
  if (old instanceof HTMLElement) old.classList.add("stale");
  byId("runs").replaceChildren(...[box, old].filter((part) => part !== null));
  byId("updated").textContent = "";
}
