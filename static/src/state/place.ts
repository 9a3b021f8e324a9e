// The address of a screen and its state, and the text of both behind `#`. Pure; `router.ts` connects it with the browser.
//
// Hash routes need no rewriting by the server, work below any prefix, and are the links that MLflow's clients print.

/** The tabs of a run, as they stand in its address; the first is the one without a name there. */
export const RUN_TABS = ["overview", "model-metrics", "system-metrics", "params", "artifacts", "lineage"] as const;
export type RunTab = (typeof RUN_TABS)[number];

/** The pages of administration, as they stand in their addresses; the last is the one without a name there. */
export const ADMIN_PAGES = ["users", "tokens", "roles", "trash", "storage", "server"] as const;
export type AdminPage = (typeof ADMIN_PAGES)[number];

/** Which screen. */
export type Route =
  | { screen: "experiments" }
  /** The runs of some experiments; of all where none is named. */
  | { screen: "runs"; experiments: readonly string[] }
  /** A run. `path` is the artifact that is shown, "" for none. */
  | { screen: "run"; experiment: string; run: string; tab: RunTab; path: string }
  | { screen: "compare"; runs: readonly string[] }
  /** A page of administration. `experiment` is the one whose roles are shown, "" for all. */
  | { screen: "admin"; page: AdminPage; experiment: string }
  | { screen: "settings" }
  /** A saved view, which leads to the address that it stands for. */
  | { screen: "view"; key: string }
  /** An address that means no screen. */
  | { screen: "unknown"; address: string };

/** The names of state in an address, in the order in which they are written (design: "URLs"). */
export const STATE_NAMES = [
  "q", "sort", "cols", "flat", "open", "state", "from", "show", "group", "m", "x", "y", "sm", "range", "yr", "out", "pin",
  "with", "each", "origin", "shift", "hide", "tab", "sel", "base", "at", "all", "swap", "val", "delta", "vq", "img", "step", "real",
  "rel", "rm", "axes", "brush", "rx", "ry", "rc", "rg", "rlog",
] as const;
export type StateName = (typeof STATE_NAMES)[number];

/** The search of the page of what runs now. */
export const RUNNING = "attributes.status = 'RUNNING'";

/** Whether a place is that page, however its search is spaced. */
export function isLive({ route, state }: Place): boolean {
  return route.screen === "runs" && route.experiments.length === 0 && (state.q ?? "").replace(/\s/g, "") === RUNNING.replace(/\s/g, "");
}

/** What a screen keeps in its address; what is absent has its default. */
export type State = Readonly<Partial<Record<StateName, string>>>;

/** A screen and its state. */
export interface Place {
  route: Route;
  state: State;
}

const ID = /^\d{1,19}$/;
const RUN_ID = /^[\w.-]{1,64}$/;
const VIEW_KEY = /^[a-z0-9]{1,64}$/;

/** Reads what stands in the address, with or without its `#`. Never fails: what means nothing is the screen that says so. */
export function parsePlace(hash: string): Place {
  const text = hash.replace(/^#/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = readQuery(mark < 0 ? "" : text.slice(mark + 1));
  const segments = path.split("/").filter((segment) => segment !== "").map(decoded);
  const route = readRoute(segments, query) ?? { screen: "unknown", address: text };
  const state: Partial<Record<StateName, string>> = {};
  // Where the trash was before it had a page of its own.
  if (route.screen === "experiments" && query.get("state") === "deleted") return { route: adminPage("trash"), state };
  for (const name of STATE_NAMES) {
    const value = query.get(name);
    if (value !== undefined && value !== "") state[name] = value;
  }
  return { route, state };
}

/** The address of a place, from `#` on. */
export function formatPlace({ route, state }: Place): string {
  const pairs: (readonly [string, string])[] = [];
  if (route.screen === "compare" && route.runs.length > 0) pairs.push(["runs", route.runs.join(",")]);
  for (const name of STATE_NAMES) {
    const value = state[name];
    if (value !== undefined && value !== "") pairs.push([name, value]);
  }
  const query = pairs.map(([name, value]) => `${name}=${encoded(value)}`).join("&");
  return `#${routePath(route)}${query === "" ? "" : `?${query}`}`;
}

/** The address of a screen without state. */
export function address(route: Route, state: State = {}): string {
  return formatPlace({ route, state });
}

/** The route to a page of administration. */
export function adminPage(page: AdminPage, experiment = ""): Route {
  return { screen: "admin", page, experiment };
}

/** The route to a run's tab. */
export function runRoute(experiment: string, run: string, tab: RunTab = "overview", path = ""): Route {
  return { screen: "run", experiment, run, tab, path };
}

function routePath(route: Route): string {
  switch (route.screen) {
    case "experiments":
      return "/experiments";
    case "runs":
      return route.experiments.length === 0 ? "/runs" : `/experiments/${route.experiments.join(",")}/runs`;
    case "run": {
      const tab = route.tab === "overview" ? "" : `/${route.tab}`;
      const path = route.path === "" ? "" : `/${route.path.split("/").map(encodeURIComponent).join("/")}`;
      return `/experiments/${route.experiment}/runs/${encodeURIComponent(route.run)}${tab}${path}`;
    }
    case "compare":
      return "/compare";
    case "admin":
      return `/admin/${route.page}${route.experiment === "" ? "" : `/${route.experiment}`}`;
    case "settings":
      return "/settings";
    case "view":
      return `/views/${route.key}`;
    case "unknown":
      return route.address.startsWith("/") ? route.address : `/${route.address}`;
  }
}

function readRoute(segments: readonly string[], query: ReadonlyMap<string, string>): Route | null {
  const [first = "", ids = "", runs = "", run = "", tab = "", ...rest] = segments;
  if (first === "" || (first === "experiments" && segments.length === 1)) return { screen: "experiments" };
  if (first === "runs" && segments.length === 1) return { screen: "runs", experiments: [] };
  if (first === "compare" && segments.length === 1) return { screen: "compare", runs: commaList(query.get("runs")) };
  if (first === "compare-runs" || first === "metric") return { screen: "compare", runs: jsonList(query.get("runs")) };
  if (first === "compare-experiments") return runsOf(jsonList(query.get("experiments")));
  if (first === "settings" && segments.length === 1) return { screen: "settings" };
  if (first === "views" && segments.length === 2 && VIEW_KEY.test(ids)) return { screen: "view", key: ids };
  if (first === "admin") return adminRoute(ids, runs, segments.length);
  if (first !== "experiments") return null;
  // MLflow's `/experiments/1/s`, `/experiments/1/overview` and `/experiments/1/traces` are about its runs as well.
  if (segments.length === 2 || run === "") return runsOf(commaList(ids));
  if (runs !== "runs" || !ID.test(ids) || !RUN_ID.test(run)) return null;
  if (tab === "artifactPath") return { screen: "run", experiment: ids, run, tab: "artifacts", path: rest.join("/") };
  if (tab === "") return { screen: "run", experiment: ids, run, tab: "overview", path: "" };
  const known = RUN_TABS.find((name) => name === tab);
  if (known === undefined) return null;
  return { screen: "run", experiment: ids, run, tab: known, path: known === "artifacts" ? rest.join("/") : "" };
}

function adminRoute(name: string, experiment: string, length: number): Route | null {
  const page = ADMIN_PAGES.find((known) => known === (name || "server"));
  if (page === undefined || length > 3 || (experiment !== "" && (page !== "roles" || !ID.test(experiment)))) return null;
  return { screen: "admin", page, experiment };
}

function runsOf(experiments: readonly string[]): Route | null {
  return experiments.length > 0 && experiments.every((id) => ID.test(id)) ? { screen: "runs", experiments } : null;
}

function commaList(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((item) => item !== "");
}

/** The texts of a JSON list, as MLflow writes them into its addresses. */
function jsonList(text: string | undefined): string[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.map(String).filter((item) => item !== "") : [];
  } catch {
    return [];
  }
}

function readQuery(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const pair of text.split("&")) {
    const mark = pair.indexOf("=");
    if (mark > 0) found.set(decoded(pair.slice(0, mark)), decoded(pair.slice(mark + 1)));
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Only what an address cannot hold, or what would end the value there, is encoded: people read and paste addresses. */
function encoded(value: string): string {
  return value.replace(/[^!$'()*,\-./0-9:;=@A-Z_a-z[\]{}|~?]+/g, encodeURIComponent);
}
