import assert from "node:assert/strict";
import { test } from "node:test";
import { LINE_LIMIT, LogText, cleanLine, findInLines, isBinary } from "../src/lib/log_text.ts";

const bytes = (text) => new TextEncoder().encode(text);
const texts = (log) => log.lines().map(({ text }) => text);

test("pieces may end within a character and within a line", () => {
  const all = bytes("first ü\nsecond\nthird");
  for (let cut = 0; cut <= all.length; cut += 1) {
    const log = new LogText();
    log.add(all.subarray(0, cut));
    log.lines();
    log.add(all.subarray(cut));

    assert.deepEqual(log.lines(), [
      { number: 1, text: "first ü" },
      { number: 2, text: "second" },
      { number: 3, text: "third" },
    ]);
  }
});

test("a part from the middle of a file begins with its first whole line", () => {
  const log = new LogText(true);
  log.add(bytes("rest of a line\nwhole\n"));

  assert.deepEqual(log.lines(), [{ number: null, text: "whole" }]);
});

test("a part from the middle has numbers where somebody counted the lines before it", () => {
  const log = new LogText(true, 41);
  log.add(bytes("rest of a line\nwhole\nnext"));

  assert.deepEqual(log.lines().map(({ number }) => number), [42, 43]);
});

test("colours are left out, and of a progress bar only its last state stays", () => {
  assert.equal(cleanLine("\u001b[32mINFO\u001b[0m ok\r"), "INFO ok");
  assert.equal(cleanLine(" 10%|#   \r 50%|##  \r100%|####"), "100%|####");
  assert.equal(cleanLine("\u001b]0;title\u0007text"), "text");
});

test("what has no picture, or turns the line around, is a dot", () => {
  assert.equal(cleanLine("a\u0000b\u202ec\td"), "a·b·c\td");
});

test("a very long line is shown as several, with one number", () => {
  const log = new LogText();
  log.add(bytes(`${"x".repeat(LINE_LIMIT * 2 + 1)}\nnext\n`));

  assert.deepEqual(log.lines().map(({ number, text }) => [number, text.length]), [[1, LINE_LIMIT], [null, LINE_LIMIT], [null, 1], [2, 4]]);
});

test("a search finds each place, in any case, and no more than asked for", () => {
  const log = new LogText();
  log.add(bytes("Loss 1 loss\nnone\nl(o)ss\n"));

  assert.deepEqual(findInLines(log.lines(), "LOSS", 10), [{ line: 0, from: 0, to: 4 }, { line: 0, from: 7, to: 11 }]);
  assert.deepEqual(findInLines(log.lines(), "l(o", 10), [{ line: 2, from: 0, to: 3 }]);
  assert.equal(findInLines(log.lines(), "o", 2).length, 2);
  assert.deepEqual(findInLines(log.lines(), "", 10), []);
});

test("bytes with a zero are no text", () => {
  assert.equal(isBinary(new Uint8Array([65, 0, 66])), true);
  assert.equal(isBinary(bytes("text ü")), false);
});
