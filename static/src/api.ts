// What the pages ask the server. Every URL is relative to the page, so it works below any prefix.

/** Longest wait for an answer, ms; a page that says nothing is worse than one that says it failed. */
const TIMEOUT_MS = 15_000;

/** Experiments read for the count and for the newest runs; with more, the page says that there are more. */
export const EXPERIMENTS_READ = 1_000;

/** Runs shown. */
const RUNS_READ = 10;

/** An experiment, as far as this page shows it. */
export interface Experiment {
  experiment_id: string;
  name: string;
}

/** A run's info, as far as this page shows it. Times are epoch milliseconds. */
export interface RunInfo {
  run_id: string;
  run_name?: string;
  experiment_id: string;
  user_id?: string;
  status: string;
  start_time?: number;
  end_time?: number;
}

/** Who is signed in here. */
export interface User {
  name: string;
  display_name: string;
  admin: boolean;
}

/** Whether the server has accounts, and who is signed in. */
export interface Session {
  accounts: boolean;
  user: User | null;
}

/** A token, without its text. Times are epoch milliseconds. */
export interface Token {
  id: number;
  name: string;
  kind: "api" | "login";
  scope: "read" | "write" | "full";
  experiment_id?: string;
  created_ms: number;
  expires_ms: number | null;
  last_used_ms: number | null;
}

/** What a new token shall be. A login token has neither scope nor days of its own. */
export interface NewToken {
  name: string;
  kind: Token["kind"];
  scope?: Token["scope"];
  expires_days?: number;
}

/** Experiments found, and whether there are more than were read. */
export interface Experiments {
  found: Experiment[];
  more: boolean;
}

/** Why there is no answer to show. */
export class Failure extends Error {
  /** @param status HTTP status, or 0 when no answer came. */
  constructor(
    readonly status: number,
    message: string,
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

/** The MLflow version this server is compatible with. */
export async function version(): Promise<string> {
  return (await (await ask("version")).text()).trim();
}

/** Whether the server is ready to do its work; throws when no answer came. */
export async function ready(): Promise<boolean> {
  try {
    await ask("ready");
    return true;
  } catch (failure) {
    if (failure instanceof Failure && failure.status !== 0) return false;
    throw failure;
  }
}

/** The active experiments, newest first. */
export async function experiments(): Promise<Experiments> {
  const answer = await post<{ experiments?: Experiment[]; next_page_token?: string }>("experiments/search", {
    max_results: EXPERIMENTS_READ,
    view_type: "ACTIVE_ONLY",
  });
  return { found: answer.experiments ?? [], more: Boolean(answer.next_page_token) };
}

/** The newest active runs of these experiments, by start time. */
export async function newestRuns(experimentIds: readonly string[]): Promise<RunInfo[]> {
  // No experiments would mean "none" to one server and "all" to another; there is nothing to ask.
  if (experimentIds.length === 0) return [];
  const answer = await post<{ runs?: { info: RunInfo }[] }>("runs/search", {
    experiment_ids: experimentIds,
    max_results: RUNS_READ,
  });
  return (answer.runs ?? []).map((run) => run.info);
}

/** Who the server takes this browser for. */
export function session(): Promise<Session> {
  return own("GET", "session");
}

/** Signs in; the browser keeps the cookie, which no script sees. */
export function signIn(name: string, password: string): Promise<Session> {
  return own("POST", "session", { name, password });
}

/** Signs out, also where nobody is signed in. */
export async function signOut(): Promise<void> {
  await own("DELETE", "session");
}

/** Changes the password of who is signed in; other browsers are signed out. */
export async function changePassword(password: string, newPassword: string): Promise<void> {
  await own("POST", "session/password", { password, new_password: newPassword });
}

/** The tokens of who is signed in, newest first. */
export async function tokens(): Promise<Token[]> {
  return (await own<{ tokens: Token[] }>("GET", "tokens")).tokens;
}

/** Makes a token; its text, which is told this once. */
export async function createToken(token: NewToken): Promise<string> {
  return (await own<{ token: string }>("POST", "tokens", token)).token;
}

/** Ends a token. */
export async function revokeToken(id: number): Promise<void> {
  await own("DELETE", `tokens/${id}`);
}

function post<Answer>(path: string, request: object): Promise<Answer> {
  return json("POST", `ajax-api/2.0/mlflow/${path}`, request);
}

function own<Answer>(method: string, path: string, request?: object): Promise<Answer> {
  return json(method, `api/windvane/v1/${path}`, request);
}

async function json<Answer>(method: string, url: string, request?: object): Promise<Answer> {
  const body = request === undefined ? null : JSON.stringify(request);
  const headers: HeadersInit = body === null ? {} : { "Content-Type": "application/json" };
  return (await (await ask(url, { method, headers, body })).json()) as Answer;
}

async function ask(url: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...options, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    throw new Failure(0, late ? `no answer within ${TIMEOUT_MS / 1_000} s` : "the server cannot be reached");
  }
  if (response.ok) return response;
  throw new Failure(response.status, await reason(response), response.headers.get("x-request-id"));
}

/** The server's own words: the message of a JSON error, else the first line of the body. */
async function reason(response: Response): Promise<string> {
  const body = await response.text().catch(() => "");
  try {
    const message: unknown = (JSON.parse(body) as { message?: unknown }).message;
    if (typeof message === "string" && message !== "") return message;
  } catch {
    // Not JSON: a proxy's page or plain text.
  }
  const plain = response.headers.get("content-type")?.startsWith("text/plain") ? body.split("\n", 1)[0] : "";
  return plain || response.statusText || "no reason given";
}
