import assert from "node:assert/strict";
import { test } from "node:test";
import { foldsOf, seenLines, unfoldedTo } from "../src/lib/folds.ts";
import { LogText } from "../src/lib/log_text.ts";

const lines = (text) => {
  const log = new LogText();
  log.add(new TextEncoder().encode(text));
  return log.lines();
};
const folds = (text) => foldsOf(lines(text)).map((end, place) => (end === place ? "" : `${place}-${end}`)).filter(Boolean);

test("what is further in is folded with the line above it", () => {
  assert.deepEqual(folds("a:\n  b:\n    c: 1\n  d: 2\ne: 3\n"), ["0-3", "1-2"]);
  assert.deepEqual(folds("a: 1\nb: 2\n"), []);
});

test("a list that stands as far left as its key belongs to it", () => {
  assert.deepEqual(folds("a:\n- x: 1\n  y: 2\n- z\nb: 1\n"), ["0-3", "1-2"]);
  assert.deepEqual(folds("- a\n- b\n"), []);
});

test("lines with nothing in them end nothing, and are not folded at the end", () => {
  assert.deepEqual(folds("a:\n  b: 1\n\n  c: 2\n\nd: 1\n"), ["0-3"]);
});

test("what is folded is not seen, and is unfolded to be found", () => {
  const ends = foldsOf(lines("a:\n  b:\n    c: 1\n  d: 2\ne: 3\n"));
  assert.deepEqual(seenLines(ends, new Set([0])), [0, 4]);
  assert.deepEqual(seenLines(ends, new Set([1, 4])), [0, 1, 3, 4]);
  assert.deepEqual([...unfoldedTo(ends, new Set([0, 1, 4]), 2)], [4]);
  assert.deepEqual([...unfoldedTo(ends, new Set([1]), 4)], [1]);
});

test("a hundred thousand levels stop nothing", () => {
  const deep = Array.from({ length: 100_000 }, (_, place) => ({ number: place + 1, text: `${" ".repeat(Math.min(place, 1_000))}a:` }));
  assert.equal(foldsOf(deep)[0], 99_999);
});
