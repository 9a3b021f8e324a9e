// What this page asks the server. Every URL is relative to the page, so it works below any prefix.

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

async function post<Answer>(path: string, request: object): Promise<Answer> {
  const response = await ask(`ajax-api/2.0/mlflow/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  return (await response.json()) as Answer;
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
