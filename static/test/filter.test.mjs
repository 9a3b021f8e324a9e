import assert from "node:assert/strict";
import { test } from "node:test";
import { clauses, equality, field, meaning, namesIn, plainWords, quoted, withClause, withoutClauses } from "../src/lib/filter.ts";

test("a name is quoted only where the grammar needs it", () => {
  assert.equal(field("metrics", "val_loss/z-500.a:b"), "metrics.val_loss/z-500.a:b");
  assert.equal(field("params", "größe"), "params.größe");
  assert.equal(field("params", "with blank"), "params.`with blank`");
  assert.equal(field("tags", "a`b"), 'tags."a`b"');
  assert.equal(field("tags", "a`b\"c"), null);
});

test("a value has the quotes that it does not contain", () => {
  assert.equal(quoted("1e-4"), "'1e-4'");
  assert.equal(quoted("it's"), `"it's"`);
  assert.equal(quoted(`it's "so"`), null);
});

test("clauses end at AND, but not inside quotes or names", () => {
  const filter = "metrics.band < 1 and tags.a = 'x AND y' AND(params.`and` = \"b\")";
  assert.deepEqual(clauses(filter).map(({ text }) => text), ["metrics.band < 1", "tags.a = 'x AND y'", '(params.`and` = "b")']);
  const [first, second] = clauses("  a = 'b'   AND  c = 'd' ");
  assert.deepEqual([first.from, first.to, second.from, second.to], [2, 9, 17, 24]);
  assert.deepEqual(clauses(" AND "), []);
  assert.deepEqual(clauses("tags.a = 'open AND b").length, 1);
});

test("a clause is added once and taken away whole", () => {
  assert.equal(withClause("", "a = 'b'"), "a = 'b'");
  assert.equal(withClause("a = 'b' and c = 'd'", "e = 'f'"), "a = 'b' AND c = 'd' AND e = 'f'");
  assert.equal(withClause("a = 'b'", "a = 'b'"), "a = 'b'");
  assert.equal(withoutClauses("a = 'b' AND c = 'd'", (clause) => clause.startsWith("a")), "c = 'd'");
});

test("an equality is known by its field, whatever the attribute is called", () => {
  assert.deepEqual(equality("attr.status = 'RUNNING'"), { field: "attributes.status", not: false, value: "RUNNING" });
  assert.deepEqual(equality('status!="FAILED"'), { field: "attributes.status", not: true, value: "FAILED" });
  assert.equal(equality("metrics.loss < 0.1"), null);
});

test("words without a comparator are part of a name", () => {
  assert.deepEqual(plainWords("aifs  transformer"), ["aifs", "transformer"]);
  assert.equal(meaning("aifs v2"), "attributes.run_name ILIKE '%aifs%' AND attributes.run_name ILIKE '%v2%'");
  for (const filter of ["metrics.loss", "params.lr = '1'", "tags.a is null", "a < 1", "run.status", "'quoted'", "", "  "]) {
    assert.equal(plainWords(filter), null, filter);
    assert.equal(meaning(filter), filter.trim());
  }
});

test("the names that a filter asks for are known, in quotes too", () => {
  const filter = "metrics.val_loss < 0.1 AND params.`a AND b` = '1' and tag.\"x y\" != 'metrics.z' AND attributes.status = 'FAILED'";
  assert.deepEqual(namesIn(filter), [
    { kind: "metric", key: "val_loss" },
    { kind: "param", key: "a AND b" },
    { kind: "tag", key: "x y" },
  ]);
  assert.deepEqual(namesIn("control"), []);
});
