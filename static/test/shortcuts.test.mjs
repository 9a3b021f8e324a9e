import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, keyCaps, pressName } from "../src/lib/shortcuts.ts";

const press = (key, modifiers = {}) => pressName({ key, ctrlKey: false, metaKey: false, altKey: false, ...modifiers });

test("a press has one name on every keyboard", () => {
  assert.equal(press("f"), "f");
  assert.equal(press("?"), "?");
  assert.equal(press("k", { ctrlKey: true }), "Ctrl-k");
  assert.equal(press("K", { metaKey: true }), "Ctrl-k");
});

test("keys that only change others, and those of the system, mean nothing", () => {
  for (const name of ["Shift", "Control", "Meta", "Dead"]) assert.equal(press(name), null, name);
  assert.equal(press("f", { altKey: true }), null);
  assert.equal(press("ArrowLeft", { ctrlKey: true }), null);
});

test("one key after the other is one shortcut", () => {
  const known = ["e", "g e", "g r"];
  assert.deepEqual(follow("", "g", known), { shortcut: null, waiting: "g" });
  assert.deepEqual(follow("g", "e", known), { shortcut: "g e", waiting: "" });
});

test("a second key that fits nothing counts alone", () => {
  assert.deepEqual(follow("g", "c", ["c", "g e"]), { shortcut: "c", waiting: "" });
  assert.deepEqual(follow("g", "g", ["g e"]), { shortcut: null, waiting: "g" });
  assert.deepEqual(follow("g", "x", ["g e"]), { shortcut: null, waiting: "" });
});

test("shortcuts are shown as they stand on keys", () => {
  assert.deepEqual(keyCaps("Ctrl-k"), ["Ctrl", "K"]);
  assert.deepEqual(keyCaps("g e"), ["g", "e"]);
  assert.deepEqual(keyCaps(" "), ["Space"]);
  assert.deepEqual(keyCaps("ArrowDown"), ["↓"]);
});
