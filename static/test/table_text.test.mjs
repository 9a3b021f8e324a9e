import assert from "node:assert/strict";
import { test } from "node:test";
import { TableText, columnsOf, shownCell } from "../src/lib/table_text.ts";

const bytes = (text) => new TextEncoder().encode(text);
const rows = (text, separator = ",") => {
  const table = new TableText(separator);
  table.add(bytes(text));
  return table.lines();
};

test("cells, quotes, and lines of every end", () => {
  assert.deepEqual(rows('a,b\r\n1,"x,y"\n"say ""hi""",\n'), [["a", "b"], ["1", "x,y"], ['say "hi"', ""]]);
  assert.deepEqual(rows("a\rb\r\rc"), [["a"], ["b"], ["c"]]);
  assert.deepEqual(rows('"two\nlines",x'), [["two\nlines", "x"]]);
  assert.deepEqual(rows('5" pipe,x'), [['5" pipe', "x"]]);
  assert.deepEqual(rows('"a"b,c\n"",d'), [["ab", "c"], ["", "d"]]);
  assert.deepEqual(rows(""), []);
  assert.deepEqual(rows("\n\n"), []);
});

test("pieces may end anywhere", () => {
  const text = 'näme,"q ""x"" y"\r\n1,"a\r\nb"\r\n2,c';
  const all = bytes(text);
  const wanted = rows(text);
  for (let cut = 0; cut <= all.length; cut += 1) {
    const table = new TableText(",");
    table.add(all.subarray(0, cut));
    table.lines();
    table.add(all.subarray(cut));
    assert.deepEqual(table.lines(), wanted, `cut at ${cut}`);
  }
});

test("rows may have more or fewer cells than the head", () => {
  const ragged = rows("a,b\n1\n1,2,3\n");
  assert.deepEqual(ragged, [["a", "b"], ["1"], ["1", "2", "3"]]);
  assert.equal(columnsOf(ragged, 100).length, 3);
});

test("the separator is seen by the first line", () => {
  assert.deepEqual(rows("a;b\n1,5;2", ""), [["a", "b"], ["1,5", "2"]]);
  assert.deepEqual(rows("a\tb", ""), [["a", "b"]]);
  assert.deepEqual(rows('"a;b;c",d', ""), [["a;b;c", "d"]]);
  assert.deepEqual(rows("one word", ""), [["one word"]]);
  assert.deepEqual(rows("a|b\n", ""), [["a", "b"]]);
});

test("columns of numbers are known, also with gaps and NaN", () => {
  const table = rows("step,loss,note,empty\n1,0.5e-3,x,\n2,NaN,3,\n,-inf,,");
  assert.deepEqual(columnsOf(table, 100).map(({ numeric }) => numeric), [true, true, false, false]);
  assert.equal(columnsOf(table, 2).length, 2);
});

test("a cell is shown on one line, without what turns it around", () => {
  assert.equal(shownCell("a\nb\u202ec"), "a↵b·c");
  assert.equal(shownCell("=cmd|' /C calc'!A0"), "=cmd|' /C calc'!A0");
});

test("a quote that never ends, and a row of a million cells, stop nothing", () => {
  assert.equal(rows(`"${"x\n".repeat(500_000)}`).length, 1);
  assert.equal(rows(",".repeat(1_000_000))[0].length, 10_001);
});
