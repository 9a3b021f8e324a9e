import assert from "node:assert/strict";
import { test } from "node:test";
import { clockTime, count, duration, moment, number, sentence, shellWord, showDigits, tailOfPath } from "../src/lib/format.ts";

const NOW = new Date(2026, 10, 24, 12, 0, 0).getTime();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("a count has separators, and a plus when there are more", () => {
  assert.equal(count(0, false), "0");
  assert.equal(count(1234, false), "1,234");
  assert.equal(count(1000, true), "1,000+");
});

test("a time is relative within a week and a date after it", () => {
  assert.equal(moment(NOW - 59_000, NOW), "just now");
  assert.equal(moment(NOW - MINUTE, NOW), "1 min ago");
  assert.equal(moment(NOW - 23 * HOUR, NOW), "23 h ago");
  assert.equal(moment(NOW - DAY, NOW), "yesterday");
  assert.equal(moment(NOW - 7 * DAY + 1, NOW), "6 days ago");
  assert.equal(moment(NOW - 7 * DAY, NOW), "2026-11-17 12:00");
});

test("a time ahead of the browser's clock is no nonsense", () => {
  assert.equal(moment(NOW + 30_000, NOW), "just now");
  assert.equal(moment(NOW + HOUR, NOW), "2026-11-24 13:00");
});

test("times can be told in UTC", () => {
  const time = Date.UTC(2026, 10, 3, 4, 5);
  assert.equal(moment(time, NOW, true), "2026-11-03 04:05");
  assert.equal(clockTime(time, true), "04:05");
});

test("a time that no calendar has is no mistake", () => {
  assert.equal(moment(2 ** 60, NOW), "unknown");
  assert.equal(moment(Date.UTC(12026, 0, 1), NOW, true), "+012026-01-01 00:00");
});

test("a reason becomes a sentence", () => {
  assert.equal(sentence("no such run"), "No such run.");
  assert.equal(sentence("Really?"), "Really?");
});

test("a duration has two units at most", () => {
  assert.equal(duration(420), "0.4 s");
  assert.equal(duration(59_999), "59 s");
  assert.equal(duration(3 * MINUTE + 5_000), "3 min 05 s");
  assert.equal(duration(2 * HOUR + 10 * MINUTE), "2 h 10 min");
  assert.equal(duration(3 * DAY + 4 * HOUR), "3 d 04 h");
});

test("a run that ended before it started lasted no time", () => {
  assert.equal(duration(-5_000), "0.0 s");
});

test("an address is quoted for the shell only where it must be", () => {
  assert.equal(shellWord("http://127.0.0.1:5000/wind"), "http://127.0.0.1:5000/wind");
  assert.equal(shellWord("http://[::1]:5000"), "'http://[::1]:5000'");
  assert.equal(shellWord("http://host/a;b"), "'http://host/a;b'");
  assert.equal(shellWord("http://host/it's"), `'http://host/it'\\''s'`);
});

test("of a path the last two names stay, unless they are long", () => {
  const tail = (path) => path.slice(-tailOfPath(path));
  assert.equal(tail("/scratch/ada/aifs/mlruns"), "/aifs/mlruns");
  assert.equal(tail("/scratch/ada/aifs/mlruns/"), "/aifs/mlruns/");
  assert.equal(tail("/mlruns"), "/mlruns");
  assert.equal(tail("mlruns"), "mlruns");
  assert.equal(tail("/"), "/");
  assert.equal(tailOfPath(`/scratch/${"long".repeat(20)}/mlruns`), 28);
});

test("numbers have as many significant digits as were chosen, and never fewer than stand before the point", () => {
  assert.deepEqual([0.0412375194, 287.154862, 2.5e-7, 0, -1.5].map(number), ["0.041238", "287.15", "2.5e−7", "0", "−1.5"]);
  assert.deepEqual([123_456.7, 99_999.9, 999_999.9, 1_234_567].map(number), ["123457", "100000", "1000000", "1.2346e6"]);
  let digits = 3;
  showDigits(() => digits);
  assert.deepEqual([0.0412375194, 287.154862, 1_234.5, 1_234_567].map(number), ["0.0412", "287", "1235", "1.23e6"]);
  digits = 8;
  assert.equal(number(0.0412375194), "0.041237519");
  showDigits(() => 5);
});
