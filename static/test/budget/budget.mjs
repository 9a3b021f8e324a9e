// Measures the pages against the budgets of the design and prints all of them. What can be counted (bytes, requests, round
// trips) has to fit. Times are for a machine that does nothing else: on shared cores twice the budget is allowed, and since
// nobody knows what else such cores do, what takes longer is said and is no failure.
//
// BUDGET_DATA=folder keeps the store there, or takes the one that is there. With BUDGET_WHOLE=1 each of its 200 trainings has all of
// its 330,000 points; that takes minutes and a release build (WINDVANE=target/release/windvane).

import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { freshData, serve, startBrowser } from "../browser/support.mjs";
import { SLOW_NETWORK, brush, heap, idle, median, open, quantile, roundTrips, scroll, settled, zoom } from "./measure.mjs";
import { fillStore } from "./store.mjs";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));

/** How often what takes time is measured; the median counts. */
const TIMES = 3;
/** A frame of a screen that draws 60 of them a second, rounded up as the design does, ms. */
const FRAME_MS = 17;
/** So long a page must have asked for nothing to be idle, ms: longer than what waits for the end of a scroll or of typing. */
const QUIET_MS = 1_000;
/** How long an idle page is watched, ms: two looks at the server, and the one that may begin it. */
const IDLE_MS = 10_500;

const ROW = "[role=treegrid] [role=row][aria-level]:not([aria-busy])";
const TABLE = "[role=treegrid]";
const CURVE = ".plot canvas";
const CURVE_BOX = ".plot .u-over";
const DIFFERENCE = ".matrix tbody td";
const AXIS = ".parallel-handle:nth-child(6)";

/** What was measured: `strict` values have to fit, others should not be more than twice as large. */
const results = [];
const ends = [];

try {
  await measureAll();
} finally {
  for (const end of ends) await end();
}
print();

async function measureAll() {
  const t = { after: (end) => ends.unshift(end) };
  const { address, where } = await store(t);
  const browser = await startBrowser(t);
  await sizes(address, browser, where);
  await answers(address, where);
  await times(address, browser, where);
}

/** A server of the store, which is made if there is none. */
async function store(t) {
  const data = process.env.BUDGET_DATA ?? (await freshData(t));
  const known = join(data, "where.json");
  if (existsSync(known)) return { address: await serve(t, data), where: JSON.parse(await readFile(known, "utf8")) };
  await mkdir(data, { recursive: true });
  const address = await serve(t, data);
  const began = Date.now();
  const where = await fillStore(address);
  console.log(`The store is made: ${((Date.now() - began) / 1_000).toFixed(0)} s.`);
  await writeFile(known, JSON.stringify(where));
  return { address, where };
}

/** Files of the pages, as gzip sends them, and the requests before the first row. */
async function sizes(address, browser, { many }) {
  const { context, requests } = await open(browser, `${address}/#/experiments/${many}/runs`, { row: ROW });
  const paths = new Set(requests.map(({ url }) => new URL(url).pathname.slice(1) || "index.html"));
  const files = [...paths].filter((path) => !path.startsWith("api/"));
  await context.close();
  record("first load to the runs table, gzipped", await gzipped(files), 100_000, "B", true);
  record("first load, requests for files", files.length, 8, "", true);
  const scripts = (await readdir(join(DIST, "static-files"))).filter((name) => name.endsWith(".js")).map((name) => `static-files/${name}`);
  const [writers, shown] = [scripts.filter(isWriter), scripts.filter((name) => !isWriter(name))];
  record("all scripts that show pages, gzipped", await gzipped(shown), 200_000, "B", true);
  record("what writes reports, gzipped", await gzipped(writers), 20_000, "B", true);
}

/** Whether a script is the one that writes reports, most of which is theirs (docs/decisions/0011-web-pages.md). */
function isWriter(name) {
  return name.startsWith("static-files/write-");
}

async function gzipped(files) {
  const found = await Promise.all(files.map((file) => stat(join(DIST, `${file}.gz`))));
  return found.reduce((sum, { size }) => sum + size, 0);
}

/** Answers of the server, as gzip sends them. */
async function answers(address, { many, curveRuns }) {
  const columns = ["run_name", "status", "start_time", "user_id"].map((name) => `attribute.${name}`);
  columns.push("metrics.train_loss", "metrics.val_loss", "metrics.rmse", "metrics.lr", "params.param_1", "params.param_2", "params.param_3", "params.param_4");
  const rows = { experiment_ids: [many], columns, limit: 50, tree: true };
  record("answer: 50 rows of 12 columns, gzipped", await answered(address, "rows", rows), 20_000, "B", true);
  const series = { run_ids: curveRuns, metrics: ["loss"], buckets: 1_000, columns: ["mean", "min", "max"] };
  record("answer: 20 series of 1,000 buckets, gzipped", await answered(address, "series", series), 200_000, "B", true);
}

async function answered(address, path, request) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(request) };
  const response = await fetch(`${address}/api/windvane/v1/${path}`, options);
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return gzipSync(Buffer.from(await response.arrayBuffer())).length;
}

async function times(address, browser, { many, compared, curveRuns, long, longRun, related, sideBySide }) {
  const table = `${address}/#/experiments/${many}/runs`;
  const comparison = `${address}/#/compare?runs=${compared.join()}`;

  const first = await repeated(() => open(browser, table, { row: ROW }));
  record("first row of 10,000 runs", first.seen("row"), 500, "ms");
  record("heap after the runs table", await heap(first.last.session), 20_000_000, "B", true);
  record("scrolling 10,000 rows, 95th percentile of frames", quantile(await scroll(first.last.page, TABLE, 150), 0.95), 33, "ms");
  await quiet("idle runs table", first.last.page);
  await first.last.context.close();

  const slow = await repeated(() => open(browser, table, { row: ROW }, SLOW_NETWORK));
  record("first row at 100 ms and 10 Mbit/s", slow.seen("row"), 1_200, "ms");
  record("first row, round trips one after the other", roundTrips(slow.last.requests, "/rows"), 3, "", true);
  await slow.last.context.close();

  const side = await repeated(() => open(browser, comparison, { curve: CURVE, difference: DIFFERENCE }));
  record("comparison of 5 runs: curves and what differs", Math.max(side.seen("curve"), side.seen("difference")), null, "ms");
  record("heap after a comparison", await heap(side.last.session), 60_000_000, "B", true);
  await quiet("idle comparison", side.last.page);
  await side.last.context.close();

  const slowSide = await repeated(() => open(browser, comparison, { curve: CURVE, difference: DIFFERENCE }, SLOW_NETWORK));
  record("comparison of 5 runs at 100 ms and 10 Mbit/s", Math.max(slowSide.seen("curve"), slowSide.seen("difference")), 2_000, "ms");
  await slowSide.last.context.close();

  const drawn = await open(browser, `${address}/#/compare?runs=${curveRuns.join()}`, { curve: CURVE });
  await settled(drawn.page, QUIET_MS);
  record("zooming 20 curves of 2,000 points, median of the longest frames", median(await zoom(drawn.page, CURVE_BOX, 41)), FRAME_MS, "ms");
  await drawn.context.close();

  const broad = await repeated(() => open(browser, `${address}/#/compare?runs=${sideBySide.join()}`, { curve: CURVE }));
  record("comparison of 20 runs of 30 long metrics: first curves", broad.seen("curve"), 1_000, "ms");
  await settled(broad.last.page, QUIET_MS);
  record("zooming in it, median of the longest frames", median(await zoom(broad.last.page, CURVE_BOX, 41)), FRAME_MS, "ms");
  await broad.last.context.close();

  const axes = await open(browser, `${address}/#/experiments/${related}/runs?show=relations`, { axis: AXIS });
  record("relations of 1,000 runs", axes.seen.axis, null, "ms");
  await settled(axes.page, QUIET_MS);
  record("brushing 1,000 runs on 12 axes, 95th percentile of frames", quantile(await brush(axes.page, AXIS, 120), 0.95), 33, "ms");
  await axes.context.close();

  const million = await repeated(() => open(browser, `${address}/#/experiments/${long}/runs/${longRun}/model-metrics`, { curve: CURVE }));
  record("curve of 1,000,000 points", million.seen("curve"), null, "ms");
  await million.last.context.close();
}

/** What an idle page asks: one request in 5 s, small when nothing is new. */
async function quiet(what, page) {
  await settled(page, QUIET_MS);
  const asked = await idle(page, IDLE_MS);
  record(`${what}: requests in 10 s`, asked.length, 3, "", true);
  record(`${what}: largest answer`, Math.max(0, ...asked.map(({ bytes }) => bytes)), 2_000, "B", true);
}

/** Opens a page several times; the last one stays open. */
async function repeated(opened) {
  const all = [];
  let last;
  for (let time = 0; time < TIMES; time += 1) {
    await last?.context.close();
    last = await opened();
    all.push(last.seen);
  }
  return { last, seen: (sight) => median(all.map((seen) => seen[sight])) };
}

function record(what, value, limit, unit, strict = false) {
  results.push({ what, value, limit, unit, strict });
}

function print() {
  const rows = results.map(({ what, value, limit, unit, strict }) => {
    const verdict = limit === null ? "" : value <= limit ? "ok" : strict ? "TOO MUCH" : value <= 2 * limit ? "within twice" : "more than twice";
    return [what, told(value, unit), limit === null ? "" : told(limit, unit), verdict];
  });
  const table = [["what", "measured", "budget", ""], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    console.log(row.map((cell, column) => (column === 0 || column === 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  ").trimEnd());
  }
  if (rows.some((row) => row[3] === "TOO MUCH")) process.exitCode = 1;
}

function told(value, unit) {
  if (unit === "B") return value >= 1_000_000 ? `${(value / 1_000_000).toFixed(1)} MB` : `${(value / 1_000).toFixed(1)} kB`;
  return unit === "" ? String(value) : `${value.toFixed(0)} ${unit}`;
}
