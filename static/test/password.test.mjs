import assert from "node:assert/strict";
import { test } from "node:test";
import { madePassword, passwordOf } from "../src/lib/password.ts";

test("a password is four groups of five letters and digits that are not mistaken for others", () => {
  assert.equal(passwordOf(new Uint8Array(20)), "aaaaa-aaaaa-aaaaa-aaaaa");
  assert.match(passwordOf(new Uint8Array(20).fill(255)), /^(9{5}-){3}9{5}$/);
  const made = Array.from({ length: 200 }, madePassword);
  for (const password of made) assert.match(password, /^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/);
  assert.equal(new Set(made).size, 200);
});

test("each letter is as likely as any other", () => {
  const letters = new Set(Array.from({ length: 256 }, (_, byte) => passwordOf(new Uint8Array(20).fill(byte))[0]));
  assert.equal(letters.size, 32);
});
