// A server of ours, and a browser, for a test that has both. Everything that is started ends with the test.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const BINARY = process.env.WINDVANE ?? fileURLToPath(new URL("../../../target/debug/windvane", import.meta.url));
const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** The password of every account that a test makes. */
export const PASSWORD = "correct horse battery";

/** The longest wait for something to appear, ms. */
const TIMEOUT_MS = 15_000;

/** Chromium as a quiet guest: it asks nobody for anything, and every name of `example` is this machine. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP *.example 127.0.0.1",
];

/** A browser with a fresh profile. */
export async function startBrowser(t) {
  const browser = await chromium.launch({ executablePath: BROWSER, headless: true, args: ARGUMENTS });
  t.after(() => browser.close());
  return browser;
}

/** A server with fresh data and these accounts (name: display name); its address, prefix included, without a slash. */
export async function startServer(t, accounts = {}, options = []) {
  const data = await mkdtemp(join(tmpdir(), "windvane-browser-test-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  for (const [name, displayName] of Object.entries(accounts)) {
    const add = ["user", "add", name, "--admin", "--display-name", displayName, "--password-stdin", "--data", data];
    const { status, stderr } = spawnSync(BINARY, add, { input: `${PASSWORD}\n`, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
  const child = spawn(BINARY, ["server", "--data", data, "--listen", "127.0.0.1:0", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const seen = [];
  return new Promise((resolve, reject) => {
    const lines = createInterface(child.stderr);
    lines.on("line", (line) => {
      seen.push(line);
      const { message, tracking_uri: address } = JSON.parse(line).fields;
      if (message.startsWith("windvane is ready")) resolve(address.replace(/\/$/, ""));
    });
    lines.on("close", () => reject(new Error(`the server ended before it was ready:\n${seen.join("\n")}`)));
  });
}

/** A page in a browser of its own kind: no cookies yet. `mistakes` are the errors of its console and its scripts. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const mistakes = [];
  page.on("pageerror", (error) => mistakes.push(String(error)));
  page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
  return { context, page, mistakes };
}

/** Fills in the form of the login page, which is open. */
export async function signIn(page, name, password = PASSWORD) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
}

/** A server of somebody else on this machine, which answers every path with an empty page; its port. */
export function startStranger(t) {
  return listen(t, (_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>Elsewhere</title>");
  });
}

/** A portal that shows `address` below `path`, which it takes off, as Open OnDemand does; its port. */
export function startPortal(t, address, path) {
  return listen(t, (request, response) => {
    if (!request.url.startsWith(`${path}/`)) {
      response.writeHead(404).end();
      return;
    }
    const { method, headers } = request;
    const onward = httpRequest(address + request.url.slice(path.length), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
}

async function listen(t, answer) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return server.address().port;
}
