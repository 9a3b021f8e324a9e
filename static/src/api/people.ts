// Who asks, and what they sign in with.

import { own } from "./client.ts";

/** Who is signed in here. */
export interface User {
  name: string;
  display_name: string;
  admin: boolean;
}

/** Whether the server has accounts, who is signed in, and whether it is only there to show something. */
export interface Session {
  accounts: boolean;
  user: User | null;
  /** The store that it shows and does not change; null where it is a server of its own. */
  view_of: string | null;
  /** The version of the server, where one may know it. */
  version: string | null;
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
