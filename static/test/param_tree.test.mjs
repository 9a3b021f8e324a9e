import assert from "node:assert/strict";
import { test } from "node:test";
import { paramTree, paramsAsJson, paramsAsYaml, searchParams } from "../src/lib/param_tree.ts";

const params = (pairs) => Object.entries(pairs).map(([key, value]) => ({ key, value }));
const lines = (nodes, indent = "") =>
  nodes.flatMap(({ name, value, below, count }) => [
    `${indent}${name}${value === undefined ? ` (${count})` : ` = ${value}`}`,
    ...lines(below, `${indent}  `),
  ]);

const some = params({
  "config.training.lr.rate": "1e-4",
  "config.training.lr.warmup": "1000",
  "config.model.layers.10": "b",
  "config.model.layers.9": "a",
  "metadata.run.id": "x",
});

test("params are a tree by their dots, numbers in order, and parts that lead to one thing are one", () => {
  assert.deepEqual(lines(paramTree(some)), [
    "config (4)",
    "  model.layers (2)",
    "    9 = a",
    "    10 = b",
    "  training.lr (2)",
    "    rate = 1e-4",
    "    warmup = 1000",
    "metadata.run.id = x",
  ]);
});

test("a name may have a value and parts below it", () => {
  const both = params({ a: "1", "a.b": "2", "a.c": "3" });

  assert.deepEqual(lines(paramTree(both)), ["a = 1", "  b = 2", "  c = 3"]);
  assert.deepEqual(JSON.parse(paramsAsJson(both)), { a: 1, "a.b": 2, "a.c": 3 });
});

test("a search finds all its words in names and values, in any case", () => {
  assert.deepEqual(searchParams(some, "LR 1e").map(({ key }) => key), ["config.training.lr.rate"]);
  assert.equal(searchParams(some, "  ").length, 5);
  assert.equal(searchParams(some, "nothing").length, 0);
});

test("as JSON, numbers and Python's words are what they mean, and texts that look alike stay texts", () => {
  const odd = params({ n: "1e-4", t: "True", none: "None", zip: "007", long: "12345678901234567890", list: "['a']", empty: "" });

  assert.deepEqual(JSON.parse(paramsAsJson(odd)), {
    n: 0.0001, t: true, none: null, zip: "007", long: "12345678901234567890", list: "['a']", empty: "",
  });
});

test("as YAML, nothing that people wrote changes its shape", () => {
  const odd = params({ "a.rate": "1e-10", "a.plain": "val loss", "a.no": "no", "b: c": "x: y\n- z", "a.0": "#1" });

  assert.equal(
    paramsAsYaml(odd),
    'a:\n  "0": "#1"\n  "no": "no"\n  plain: val loss\n  rate: 1.0e-10\n"b: c": "x: y\\n- z"\n',
  );
});

test("names of JavaScript's own are names as any", () => {
  const own = params({ "__proto__.x": "1", "constructor.prototype": "2", "a.__proto__": "3" });

  assert.deepEqual(lines(paramTree(own)), ["__proto__.x = 1", "a.__proto__ = 3", "constructor.prototype = 2"]);
  assert.equal({}.x, undefined);
  assert.match(paramsAsJson(own), /"__proto__": \{\s*"x": 1/);
});

test("as YAML, characters that only JSON may hold are told by their number", () => {
  const odd = params({ a: "x\u007f\u0085\u2028\ufeffy", b: "日本 👩‍👩‍👧‍👦" });

  assert.equal(paramsAsYaml(odd), 'a: "x\\u007f\\u0085\\u2028\\ufeffy"\nb: "日本 👩‍👩‍👧‍👦"\n');
});
