import assert from "node:assert/strict";
import { test } from "node:test";
import { LineSearch } from "../src/lib/text_search.ts";

const bytes = (text) => new TextEncoder().encode(text);
const search = (text, wanted, { limit = 100, size = text.length || 1 } = {}) => {
  const found = new LineSearch(wanted, limit);
  const all = bytes(text);
  for (let at = 0; at < all.length; at += size) found.add(all.subarray(at, at + size));
  found.end();
  return found.found;
};

test("lines are told by number and place, wherever the pieces end", () => {
  const text = "ünö\nLoss 1\nnone\nthe loss\nloss";
  const wanted = [{ number: 2, at: 6 }, { number: 4, at: 18 }, { number: 5, at: 27 }];
  for (let size = 1; size <= text.length + 2; size += 1) assert.deepEqual(search(text, "LOSS", { size }), wanted, `pieces of ${size}`);
});

test("what is looked for is a text, not a pattern", () => {
  assert.deepEqual(search("a.c\nabc\n", "a.c"), [{ number: 1, at: 0 }]);
});

test("colours do not hide a word, and of a progress bar only what is seen is found", () => {
  assert.deepEqual(search("er\u001b[31mr\u001b[0mor\n10%\r20%\n10%\n", "error"), [{ number: 1, at: 0 }]);
  assert.deepEqual(search("10%\r20%\n10%\n", "10%"), [{ number: 2, at: 8 }]);
});

test("no more than asked for is kept", () => {
  assert.equal(search("a\n".repeat(1_000), "a", { limit: 7 }).length, 7);
});

test("a file without an end of line is searched as well", () => {
  const found = new LineSearch("needle", 10);
  for (let piece = 0; piece < 6; piece += 1) found.add(bytes("x".repeat(1_000_000)));
  found.add(bytes("needle\nneedle"));
  found.end();
  assert.deepEqual(found.found.map(({ number }) => number), [1, 2]);
});
