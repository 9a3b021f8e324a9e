import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../src/api/client.ts";
import { TableData } from "../src/screens/runs/table_data.ts";
import { Outline } from "../src/screens/runs/tree.ts";
import { matters } from "../src/screens/runs/use_table.ts";

const SEARCH = { experiment_ids: ["1"] };

/** A server with so many runs, which says of each cell where it is; and what it was asked. */
function server(total) {
  const asked = [];
  const ask = async (request) => {
    asked.push(request);
    const { offset, limit, columns } = request;
    const places = Array.from({ length: Math.max(0, Math.min(limit, ask.total - offset)) }, (_, index) => offset + index);
    const rows = places.map((place) => [`run${place}`, "1", "active", ...columns.map((column) => `${column} of ${place}`)]);
    return { total: ask.total, offset, columns, rows, progress: request.progress ? rows.map(() => null) : undefined };
  };
  ask.total = total;
  return { ask, asked };
}

function slots(data, first, end) {
  const outline = new Outline(data.levels, new Set());
  return Array.from({ length: end - first }, (_, index) => outline.slot(first + index)).filter((slot) => slot !== undefined);
}

test("the first answer has only what is quick, columns come after it, and nothing is asked for twice", async () => {
  const { ask, asked } = server(200);
  const data = new TableData(SEARCH, true, ask);
  await data.need([], ["metrics.loss"]);
  assert.equal(data.counts.rows, 200);
  assert.ok(!asked[0].columns.includes("metrics.loss"));

  await Promise.all([data.need(slots(data, 0, 30), ["metrics.loss"]), data.need(slots(data, 0, 30), ["metrics.loss"])]);
  await data.need(slots(data, 0, 30), ["metrics.loss"]);

  assert.deepEqual(asked.map(({ columns, offset }) => [columns.length, offset]), [[5, 0], [1, 0]]);
  assert.equal(data.levels.get("").rows.get(7).cells.get("metrics.loss"), "metrics.loss of 7");
  assert.equal(data.levels.get("").rows.get(7).cells.get("attributes.status"), "attributes.status of 7");
});

test("only pages that are seen are asked for, with all columns at once", async () => {
  const { ask, asked } = server(200);
  const data = new TableData(SEARCH, true, ask);
  await data.need([], []);

  await data.need(slots(data, 120, 160), ["metrics.loss"]);

  assert.deepEqual(asked.slice(1).map(({ columns, offset }) => [columns.length, offset]), [[6, 100], [6, 150]]);
  assert.equal(slots(data, 130, 131)[0].row.run, "run130");
  assert.equal(slots(data, 60, 61)[0].row, undefined);
});

test("after a change what is seen is asked for again, and what is gone is forgotten", async () => {
  const { ask, asked } = server(200);
  const data = new TableData(SEARCH, true, ask);
  await data.need([], []);
  await data.need(slots(data, 0, 200), []);
  const before = asked.length;

  ask.total = 60;
  data.refresh();
  assert.equal(slots(data, 0, 1)[0].row.run, "run0", "what is old stays until there is something new");
  await data.need(slots(data, 0, 40), []);

  assert.equal(asked.length, before + 1);
  assert.equal(data.counts.rows, 60);
  assert.equal(new Outline(data.levels, new Set()).total, 60);
  assert.equal(data.levels.get("").rows.has(100), false);
});

test("what failed is told, and asked again only on demand", async () => {
  const { ask } = server(3);
  let broken = true;
  let count = 0;
  const data = new TableData(SEARCH, true, async (request) => {
    count += 1;
    if (broken) throw new Failure(503, "too much to do");
    return ask(request);
  });
  await data.need([], []);
  await data.need([], []);
  assert.deepEqual([count, data.failure.value.status, data.counts], [1, 503, undefined]);

  broken = false;
  data.refresh();
  await data.need([], []);

  assert.deepEqual([count, data.failure.value, data.counts.rows], [2, undefined, 3]);
});

test("a change matters where it can be seen", () => {
  const rows = [{ run: "a" }];
  const change = (run_id, kinds) => ({ cursor: "1", reset: false, experiments: [], runs: [{ run_id, experiment_id: "1", kinds }] });
  assert.equal(matters(change("a", ["points"]), SEARCH, rows), true);
  assert.equal(matters(change("b", ["points"]), SEARCH, rows), false);
  assert.equal(matters(change("b", ["info"]), SEARCH, rows), true);
  assert.equal(matters(change("b", ["points"]), { ...SEARCH, order_by: ["metrics.loss DESC"] }, rows), true);
  assert.equal(matters({ ...change("b", ["points"]), reset: true }, SEARCH, rows), true);
});
