// How the pages ask the server. Every URL is relative to the page, so it works below any prefix.

/** Longest wait for an answer, ms; a page that says nothing is worse than one that says it failed. */
const TIMEOUT_MS = 20_000;

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

/** Whether a request was given up because nobody waits for it any more. */
export function wasGivenUp(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "AbortError";
}

/** Calls MLflow's API; `path` stands after `mlflow/`. */
export function mlflow<Answer>(method: string, path: string, request?: object, signal?: AbortSignal): Promise<Answer> {
  return json(method, `ajax-api/2.0/mlflow/${path}`, request, signal);
}

/** Calls the server's own API (docs/API.md, "Own API"). */
export function own<Answer>(method: string, path: string, request?: object, signal?: AbortSignal): Promise<Answer> {
  return json(method, `api/windvane/v1/${path}`, request, signal);
}

/** A path with a query string; what is undefined is left out, lists are repeated. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) search.append(name, String(item));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Asks for anything; an answer that is not a success becomes a {@link Failure}. */
export async function ask(url: string, options: RequestInit = {}, signal?: AbortSignal): Promise<Response> {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, { ...options, cache: "no-store", signal: signal ? AbortSignal.any([signal, late]) : late });
  } catch (cause) {
    if (wasGivenUp(cause)) throw cause;
    throw new Failure(0, late.aborted ? `no answer within ${TIMEOUT_MS / 1_000} s` : "the server cannot be reached");
  }
  if (response.ok) return response;
  throw new Failure(response.status, await reason(response), response.headers.get("x-request-id"));
}

async function json<Answer>(method: string, url: string, request?: object, signal?: AbortSignal): Promise<Answer> {
  const body = request === undefined ? null : JSON.stringify(request);
  const headers: HeadersInit = body === null ? {} : { "Content-Type": "application/json" };
  return (await (await ask(url, { method, headers, body }, signal)).json()) as Answer;
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
