// A server of ours, and a browser, for a test that has both. Everything that is started ends with the test.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const BINARY = process.env.WINDVANE ?? fileURLToPath(new URL("../../../target/debug/windvane", import.meta.url));
const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** The password of every account that a test makes. */
export const PASSWORD = "correct horse battery";

/**
 * How many times slower the browser is than it could be. `BROWSER_SLOWNESS=8 npm run test:browser` finds what does not wait for the
 * page: tests whose next step assumes that the one before is done, and pages that lose what somebody does meanwhile.
 */
const SLOWNESS = Number(process.env.BROWSER_SLOWNESS ?? 1);
/** The longest wait for something to appear, ms. */
const TIMEOUT_MS = 15_000 * SLOWNESS;
/** How much later each answer comes for each time that the browser is slower, ms. */
const LATENCY_MS = 20;

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

/** The moment that demonstration data is relative to, where a test needs it to be the same each time. */
export const DEMO_TIME = "2026-11-23T12:00:00Z";

/** An empty data directory, which goes with the test. */
export async function freshData(t) {
  const data = await mkdtemp(join(tmpdir(), "windvane-browser-test-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  return data;
}

/** Runs a command of ours that must succeed; what it printed. */
export function command(args, input = "") {
  const { status, stdout, stderr } = spawnSync(BINARY, args, { input, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

/** A server with the demonstration data of `windvane demo`; its address. `at` is the moment that the data is relative to. */
export async function startDemo(t, { options = [], at = DEMO_TIME } = {}) {
  const data = await freshData(t);
  command(["demo", "--data", data, ...(at === null ? [] : ["--at", at])]);
  return serve(t, data, options);
}

/** A server with fresh data and these accounts (name: display name); its address, prefix included, without a slash. */
export async function startServer(t, accounts = {}, options = []) {
  const data = await freshData(t);
  for (const [name, displayName] of Object.entries(accounts)) {
    const add = ["user", "add", name, "--admin", "--display-name", displayName, "--password-stdin", "--data", data];
    command(add, `${PASSWORD}\n`);
  }
  return serve(t, data, options);
}

/** A server of this data; its address. */
export async function serve(t, data, options = []) {
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

/** `windvane view` of a store; its address. */
export async function startView(t, source) {
  const child = spawn(BINARY, ["view", source], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit").catch(() => undefined);
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const said = [];
  createInterface(child.stderr).on("line", (line) => said.push(line));
  return new Promise((resolve, reject) => {
    const lines = createInterface(child.stdout);
    lines.on("line", (line) => {
      const address = /^\s*(http:\S+)$/.exec(line)?.[1];
      if (address !== undefined) resolve(address.replace(/\/$/, ""));
    });
    lines.on("close", () => reject(new Error(`the view ended before it was ready:\n${said.join("\n")}`)));
  });
}

const opened = [];

// A page that is left open goes on asking and drawing, and slows down the tests after its own. Not only tests use this file.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  afterEach(async () => {
    for (const context of opened.splice(0)) await context.close();
  });
}

/**
 * A page in a browser of its own kind, until the end of the test: no cookies yet. `mistakes` are the errors of its console and its scripts, and what it asked
 * of anybody but the server that it came from.
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext(options);
  opened.push(context);
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  if (SLOWNESS > 1) await slowDown(page);
  const mistakes = [];
  page.on("pageerror", (error) => mistakes.push(String(error)));
  page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
  let home;
  page.on("request", (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) home = new URL(request.url()).origin;
    const { protocol, origin } = new URL(request.url());
    // The browser's own pages, as its viewer of documents, come from the browser.
    if (origin !== home && !["data:", "blob:", "chrome:", "chrome-extension:"].includes(protocol)) mistakes.push(`asked elsewhere: ${request.url()}`);
  });
  return { context, page, mistakes };
}

async function slowDown(page) {
  const debug = await page.context().newCDPSession(page);
  await debug.send("Emulation.setCPUThrottlingRate", { rate: SLOWNESS });
  await debug.send("Network.emulateNetworkConditions", { offline: false, latency: LATENCY_MS * SLOWNESS, downloadThroughput: -1, uploadThroughput: -1 });
}

/** Waits until nothing that is seen waits for an answer; what lies below is asked for when it is scrolled to. */
export async function settled(page) {
  await page.waitForFunction(() => {
    const waiting = document.querySelectorAll(".skeleton, .stale, [aria-busy='true']");
    return [...waiting].every((part) => part.getBoundingClientRect().top >= innerHeight);
  });
}

/** Presses one key right after another: the page waits a second for the other one, which can pass between two steps of a test. */
export async function pressBoth(page, one, other) {
  await Promise.all([page.keyboard.press(one), page.keyboard.press(other)]);
}

/** Waits until the page has this title, which follows what is shown. */
export async function titled(page, title) {
  await page.waitForFunction((wanted) => document.title === wanted, title);
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe-core finds wrong with the page as it is: rule, help and the elements. */
export async function accessibilityFindings(page) {
  // By the debugger's way, which the page's policy does not forbid.
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate((tags) => window.axe.run({ runOnly: tags }), WCAG);
  return violations.map(({ id, help, nodes }) => ({ id, help, at: nodes.slice(0, 5).map((node) => node.target.join(" ")) }));
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
    onward.on("error", () => response.destroy());
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
