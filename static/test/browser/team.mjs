// A server with people of different rights, and the browser of one of them.

import assert from "node:assert/strict";
import { PASSWORD, command, freshData, openPage, serve, signIn } from "./support.mjs";

/** Calls a server as somebody; the answer. */
export async function as(address, user, method, path, body) {
  const authorization = `Basic ${Buffer.from(`${user}:${PASSWORD}`).toString("base64")}`;
  const headers = { authorization, "content-type": "application/json" };
  const response = await fetch(`${address}/${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  assert.equal(response.status, 200, `${method} ${path}: ${text}`);
  return JSON.parse(text);
}

/**
 * A server with the administrator ada (shown as `shown`), rita, who has no role, and max, who manages `aifs` and nothing else;
 * its address and the ids of its experiments by name.
 */
export async function startTeam(t, { shown = "Ada", options = [], names = ["aifs", "ocean"] } = {}) {
  const data = await freshData(t);
  const add = (name, ...more) => command(["user", "add", name, "--password-stdin", "--data", data, ...more], `${PASSWORD}\n`);
  add("ada", "--admin", "--display-name", shown);
  add("rita");
  add("max");
  const address = await serve(t, data, options);
  const experiments = {};
  for (const name of names) experiments[name] = (await as(address, "ada", "POST", "api/2.0/mlflow/experiments/create", { name })).experiment_id;
  await as(address, "ada", "PUT", "api/windvane/v1/roles", { principal: "max", role: "manager", experiment_id: experiments[names[0]] });
  return { address, experiments, data };
}

/** A page of somebody who signed in, at a hash. */
export async function openAs(t, browser, address, user, hash, options = {}) {
  const opened = await openPage(browser, options);
  t.after(() => opened.context.close());
  await opened.page.goto(`${address}/login?return_to=${encodeURIComponent(`./${hash}`)}`);
  await signIn(opened.page, user);
  await opened.page.waitForURL(`${address}/${hash}`);
  return opened;
}
