// What is measured of a page in Chromium: when things are seen, what was fetched for them, how busy and how large it is.

import { once } from "node:events";
import { openPage } from "../browser/support.mjs";

/** A network that is slow: round trip in ms, bytes a second. */
export const SLOW_NETWORK = { latency: 100, throughput: 10_000_000 / 8 };

/** Looks for elements at each frame, and keeps when each was there first. */
function lookFor(sights) {
  const seen = {};
  Object.defineProperty(window, "seen", { value: seen });
  const look = () => {
    for (const [name, selector] of Object.entries(sights)) {
      if (!(name in seen) && document.querySelector(selector)) seen[name] = performance.now();
    }
    if (Object.keys(seen).length < Object.keys(sights).length) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/**
 * Opens an address with a cold cache. `seen` are the milliseconds after which each of `sights` (selectors by name) was there,
 * `requests` all that was asked until the last of them.
 */
export async function open(browser, url, sights, network) {
  const { context, page, mistakes } = await openPage(browser, { viewport: { width: 1280, height: 800 } });
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  if (network) {
    const { latency, throughput } = network;
    const speeds = { downloadThroughput: throughput, uploadThroughput: throughput };
    await session.send("Network.emulateNetworkConditions", { offline: false, latency, ...speeds });
  }
  const requests = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request, timestamp }) => {
    requests.set(requestId, { url: request.url, start: timestamp, end: Infinity, bytes: 0 });
  });
  session.on("Network.loadingFinished", ({ requestId, timestamp, encodedDataLength }) => {
    Object.assign(requests.get(requestId) ?? {}, { end: timestamp, bytes: encodedDataLength });
  });
  await page.addInitScript(lookFor, sights);
  await page.goto(url);
  await page.waitForFunction((count) => Object.keys(window.seen).length === count, Object.keys(sights).length, { timeout: 60_000 });
  return { context, page, session, mistakes, seen: await page.evaluate(() => window.seen), requests: [...requests.values()] };
}

/** How many requests had to come one after the other until the first answer of `path` was there, itself included. */
export function roundTrips(requests, path) {
  const depth = (request) => 1 + Math.max(0, ...requests.filter(({ end }) => end <= request.start).map(depth));
  const answer = requests.filter(({ url, end }) => url.endsWith(path) && end < Infinity).sort((one, other) => one.end - other.end)[0];
  return depth(answer);
}

/** Bytes that a page keeps in use, after a collection. */
export async function heap(session) {
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

/** Milliseconds between the frames while a box is scrolled down, some screens a second. */
export function scroll(page, selector, frames) {
  return page.evaluate(
    async ([selector, frames]) => {
      const box = document.querySelector(selector);
      const times = [];
      let before = await new Promise(requestAnimationFrame);
      for (let frame = 0; frame < frames; frame += 1) {
        box.scrollTop += 400;
        const now = await new Promise(requestAnimationFrame);
        times.push(now - before);
        before = now;
      }
      return times;
    },
    [selector, frames],
  );
}

/** Milliseconds that the page was busy with each of some changes. */
export async function busy(page, session, changes) {
  await session.send("Performance.enable");
  const total = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1_000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const times = [];
  for (const change of changes) {
    const before = await total();
    await change();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    times.push((await total()) - before);
  }
  return times;
}

/** What is asked of the server in some time, and how large each answer is. */
export async function idle(page, ms) {
  const asked = [];
  page.on("response", (response) => asked.push(response));
  await once(AbortSignal.timeout(ms), "abort");
  return Promise.all(asked.map(async (response) => ({ url: response.url(), bytes: (await response.body()).length })));
}

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, part) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
