import assert from "node:assert/strict";
import { test } from "node:test";
import { wordDiff } from "../src/lib/word_diff.ts";

/** As people write it: [-only before-] {+only after+}. */
function drawn(before, after) {
  const signs = { same: ["", ""], before: ["[-", "-]"], after: ["{+", "+}"] };
  return wordDiff(before, after)
    .map(({ kind, text }) => signs[kind][0] + text + signs[kind][1])
    .join("");
}

test("words that differ stand between those that do not", () => {
  assert.equal(drawn("the old model", "the new model"), "the [-old-]{+new+} model");
  assert.equal(drawn("a b c", "a c"), "a [-b -]c");
  assert.equal(drawn("", "x"), "{+x+}");
  assert.equal(drawn("same", "same"), "same");
  assert.deepEqual(wordDiff("", ""), []);
});

test("numbers and the parts of paths are words", () => {
  assert.equal(drawn("lr=1e-4,", "lr=1e-5,"), "lr=[-1e-4-]{+1e-5+},");
  assert.equal(drawn("/data/era5-o96.zarr", "/data/era5-n320.zarr"), "/data/era5-[-o96-]{+n320+}.zarr");
  assert.equal(drawn("[0.25, 0.5]", "[0.25, 0.75]"), "[0.25, [-0.5-]{+0.75+}]");
  assert.equal(drawn("größe 😀", "größer 😀"), "[-größe-]{+größer+} 😀");
});

test("a hash is one word, of which common ends are kept where they are most of it", () => {
  assert.equal(drawn("3f9c01d2e4ab1e", "3f9c01d2e4ab20"), "3f9c01d2e4ab[-1e-]{+20+}");
  assert.equal(drawn("3f9c01d", "3f9c01d"), "3f9c01d");
  assert.equal(drawn("a3f9c01d2e4b", "a7714e0d9c5b"), "[-a3f9c01d2e4b-]{+a7714e0d9c5b+}");
  assert.equal(drawn("abc1234", "abc1234f"), "abc1234{+f+}");
  assert.equal(drawn("12345678", "12345679"), "[-12345678-]{+12345679+}", "numbers stay whole");
  assert.equal(drawn("3f9c01d a", "3f9c01d b"), "3f9c01d [-a-]{+b+}");
});

test("what is left of either kind is the text itself", () => {
  const before = "layers: [1, 2, 3, 4]\nwidth 512 and a tail\n";
  const after = "layers: [1, 3, 4, 5]\nwidth 1024 with a tail";
  const without = (kind) =>
    wordDiff(before, after)
      .filter((stretch) => stretch.kind !== kind)
      .map(({ text }) => text)
      .join("");
  assert.equal(without("after"), before);
  assert.equal(without("before"), after);
});

test("texts of more words than can be compared are told as replaced between their common ends", () => {
  const words = (letter) => Array.from({ length: 3_000 }, (_, place) => `${letter}${place}`).join(" ");
  const found = wordDiff(`begin ${words("a")} end`, `begin ${words("b")} end`);
  assert.deepEqual(found.map(({ kind }) => kind), ["same", "before", "after", "same"]);
});
