// Accounts, roles, and what the server tells of itself.

import { Failure, ask, own, withQuery } from "./client.ts";

/** An account, a group of the system's users, or a class of callers (`everyone`, `anyone`). */
export interface Account {
  name: string;
  kind: "person" | "service" | "group" | "class";
  display_name: string;
  email: string;
  /** Its role in all experiments. */
  site_role: Role | null;
  has_password: boolean;
  /** Epoch milliseconds. */
  created_ms: number;
}

export type Role = "reader" | "editor" | "manager" | "admin";

/** What an account shall be. Without a password it signs in by tokens, a proxy or a socket. */
export interface NewAccount {
  name: string;
  kind: "person" | "service" | "group";
  display_name: string;
  email: string;
  password?: string;
  admin: boolean;
}

/** A role that somebody has: in an experiment, or where it has none everywhere. */
export interface Grant {
  principal: string;
  experiment_id: string | null;
  experiment_name: string | null;
  role: Role;
}

export async function listAccounts(): Promise<readonly Account[]> {
  return (await own<{ users: readonly Account[] }>("GET", "users")).users;
}

export async function createAccount(account: NewAccount): Promise<void> {
  await own("POST", "users", account);
}

/** Changes what is named; a new password ends the account's sessions. */
export async function changeAccount(name: string, change: { display_name?: string; email?: string; password?: string }): Promise<void> {
  await own("PATCH", `users/${encodeURIComponent(name)}`, change);
}

/** Removes an account with its roles, tokens and sessions. */
export async function removeAccount(name: string): Promise<void> {
  await own("DELETE", `users/${encodeURIComponent(name)}`);
}

/** The roles in an experiment, or where none is named all that there are. */
export async function listRoles(experiment: string): Promise<readonly Grant[]> {
  const path = withQuery("roles", { experiment_id: experiment === "" ? undefined : experiment });
  return (await own<{ roles: readonly Grant[] }>("GET", path)).roles;
}

/** Gives a role in the place of the one that is had there. */
export async function giveRole(principal: string, role: Role, experiment: string | null): Promise<void> {
  await own("PUT", "roles", { principal, role, ...(experiment !== null && { experiment_id: experiment }) });
}

export async function takeRole(principal: string, experiment: string | null): Promise<void> {
  await own("DELETE", "roles", { principal, ...(experiment !== null && { experiment_id: experiment }) });
}

/** What the server says of itself; null where it does not say it to who asks. */
export interface ServerFacts {
  /** The release of MLflow whose API it speaks. */
  version: string;
  /** Empty where it answers as it should, else why not. */
  unhealthy: string;
  /** Empty where it can serve requests, else why not. */
  unready: string;
  serves_artifacts: boolean;
  /** Seconds since it started. */
  uptime: number | null;
}

/** Asks for them. `isKnown` is whether who asks signed in or need not: its figures are not for others. */
export async function serverFacts(isKnown: boolean, signal?: AbortSignal): Promise<ServerFacts> {
  const text = async (path: string): Promise<string> => (await ask(path, {}, signal)).text();
  // A server that is not ready says so by refusing.
  const trouble = (path: string): Promise<string> => text(path).then(() => "", (cause: unknown) => whyNot(cause));
  const [version, unhealthy, unready, info, metrics] = await Promise.all([
    text("version"),
    trouble("health"),
    trouble("ready"),
    text("ajax-api/3.0/mlflow/server-info").then((body) => JSON.parse(body) as { artifact_serving_enabled?: boolean }),
    isKnown ? text("metrics").catch(() => "") : "",
  ]);
  const uptime = /^windvane_uptime_seconds (\S+)$/m.exec(metrics)?.[1];
  return { version, unhealthy, unready, serves_artifacts: info.artifact_serving_enabled === true, uptime: uptime === undefined ? null : Number(uptime) };
}

function whyNot(cause: unknown): string {
  if (cause instanceof Failure && cause.status !== 0) return cause.message;
  throw cause;
}
