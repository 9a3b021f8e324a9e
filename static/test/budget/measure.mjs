// What is measured of a page in Chromium: when things are seen, what was fetched for them, how smooth and how large it is.

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
  // Nothing waits for the icon, however soon it is there.
  const needed = requests.filter(({ url }) => !url.endsWith(".svg"));
  const depth = (request) => 1 + Math.max(0, ...needed.filter(({ end }) => end <= request.start).map(depth));
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

/** Milliseconds of the longest frame after each of some steps of a zoom with Ctrl and the wheel. A frame is 17 where none is late. */
export function zoom(page, selector, steps) {
  return page.evaluate(
    async ([selector, steps]) => {
      const box = document.querySelector(selector);
      const { left, top, width } = box.getBoundingClientRect();
      const frame = () => new Promise(requestAnimationFrame);
      const times = [];
      for (let step = 0; step < steps; step += 1) {
        let before = await frame();
        const deltaY = step % 2 === 0 ? -100 : 100;
        box.dispatchEvent(new WheelEvent("wheel", { ctrlKey: true, deltaY, clientX: left + width / 2, clientY: top + 20, bubbles: true, cancelable: true }));
        let longest = 0;
        for (let frames = 0; frames < 3; frames += 1) {
          const now = await frame();
          longest = Math.max(longest, now - before);
          before = now;
        }
        times.push(longest);
      }
      return times;
    },
    [selector, steps],
  );
}

/** Milliseconds between the frames while a range is drawn down an axis of parallel coordinates, and up again. */
export function brush(page, selector, frames) {
  return page.evaluate(
    async ([selector, frames]) => {
      const axis = document.querySelector(selector);
      const { left, top, width, height } = axis.getBoundingClientRect();
      // Nobody's pointer is captured.
      axis.setPointerCapture = () => undefined;
      const send = (type, part) =>
        axis.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, buttons: 1, clientX: left + width / 2, clientY: top + part * height }));
      const times = [];
      send("pointerdown", 0.1);
      let before = await new Promise(requestAnimationFrame);
      for (let frame = 1; frame <= frames; frame += 1) {
        send("pointermove", 0.1 + 0.7 * Math.sin((Math.PI * frame) / frames));
        const now = await new Promise(requestAnimationFrame);
        times.push(now - before);
        before = now;
      }
      send("pointerup", 0.5);
      return times;
    },
    [selector, frames],
  );
}

/** Waits until a page has asked for nothing for a while, and has all its answers. */
export async function settled(page, ms) {
  let open = 0;
  let last = Date.now();
  const began = () => void (open += 1);
  const ended = () => {
    open -= 1;
    last = Date.now();
  };
  page.on("request", began).on("requestfinished", ended).on("requestfailed", ended);
  while (open > 0 || Date.now() - last < ms) await once(AbortSignal.timeout(50), "abort");
  page.off("request", began).off("requestfinished", ended).off("requestfailed", ended);
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
