import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../src/lib/csv.ts";

test("cells are told apart whatever is in them, and lines end as RFC 4180 says", () => {
  assert.equal(csv([["a", 'b "c"', "d,e", "f\ng"], [1, null, "", 0.5]]), 'a,"b ""c""","d,e","f\ng"\r\n1,,,0.5\r\n');
});

test("a text is never a formula", () => {
  for (const text of ["=1+1", "+x", "-x", "@x", "\tx", "-1+1", "+1 2"]) assert.equal(csv([[text]]), `'${text}\r\n`);
  assert.equal(csv([['=HYPERLINK("x","y")']]), `"'=HYPERLINK(""x"",""y"")"\r\n`);
});

test("numbers stay numbers, also those that are texts", () => {
  assert.equal(csv([[-0.5, "-1e-4", "+3", "-.5", "NaN", "-Infinity", -Infinity]]), "-0.5,-1e-4,+3,-.5,NaN,-Infinity,-Infinity\r\n");
});
