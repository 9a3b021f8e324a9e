import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fieldsOf, keyed, moved, nextSort, orderBy, own, readColumn, readColumns, readSort, sortField, titleOf, titlesOf, writeColumns, writeSort,
} from "../src/screens/runs/columns.ts";
import { splitList } from "../src/lib/list.ts";
import { defaultColumns, tellingParams } from "../src/screens/runs/defaults.ts";

test("columns survive the way into an address and back, whatever their names", () => {
  const columns = [own("name"), own("status"), keyed("metric", "val/loss"), keyed("param", "a,b c"), keyed("tag", "x`y"), keyed("curve", "val/loss")];
  assert.equal(writeColumns(columns), 'name,status,metrics.val/loss,params.`a,b c`,tags."x`y",curve.val/loss');
  assert.deepEqual(readColumns(writeColumns(columns)), columns);
});

test("what means no column is left out, and the name is always there and first", () => {
  assert.deepEqual(readColumns("bogus,models.x,params.,params.lr,params.lr,name").map(({ id }) => id), ["name", "params.lr"]);
  assert.equal(readColumn("params."), null);
  assert.deepEqual(splitList(" a ,,`b,c`.d, "), ["a", "`b,c`.d"]);
});

test("a column asks for what it shows, and sorts by what the server can", () => {
  assert.deepEqual(fieldsOf(own("duration")), ["attributes.start_time", "attributes.end_time"]);
  assert.equal(sortField(own("duration")), null);
  assert.deepEqual(fieldsOf(keyed("curve", "loss")), []);
  assert.equal(sortField(keyed("curve", "loss")), "metrics.loss");
  assert.equal(titleOf(keyed("param", "config.training.lr")), "training.lr");
});

test("a sort has an order of keys, each once", () => {
  const keys = readSort("-metrics.val_loss,name,bogus,name");
  assert.equal(writeSort(keys.slice(0, 2)), "-metrics.val_loss,name");
  assert.deepEqual(orderBy(keys), ["metrics.val_loss DESC", "attributes.run_name ASC"]);
  assert.equal(writeSort([]), undefined);
});

test("a click sorts, another one turns it round, a third takes it away; shift keeps the other keys", () => {
  const loss = keyed("metric", "loss");
  const first = nextSort([], loss, false);
  assert.deepEqual(first, [{ id: "metrics.loss", descending: false }]);
  const second = nextSort(first, loss, false);
  assert.deepEqual(second, [{ id: "metrics.loss", descending: true }]);
  assert.deepEqual(nextSort(second, loss, false), []);
  const both = nextSort(second, own("name"), true);
  assert.deepEqual(both.map(({ id }) => id), ["metrics.loss", "name"]);
  assert.deepEqual(nextSort(both, loss, true).map(({ id }) => id), ["name"]);
  assert.deepEqual(nextSort(both, own("user"), false).map(({ id }) => id), ["user"]);
  assert.deepEqual(nextSort([], keyed("metric", "accuracy"), false), [{ id: "metrics.accuracy", descending: true }]);
  assert.deepEqual(nextSort([], keyed("metric", "lr"), false), [{ id: "metrics.lr", descending: true }]);
});

test("columns move, but nothing comes before the name", () => {
  const columns = readColumns("name,status,user,note");
  const ids = (list) => list.map(({ id }) => id).join();
  assert.equal(ids(moved(columns, "user", -1)), "name,user,status,note");
  assert.equal(ids(moved(columns, "user", -9)), "name,user,status,note");
  assert.equal(ids(moved(columns, "status", 9)), "name,user,note,status");
  assert.equal(ids(moved(columns, "name", 1)), "name,status,user,note");
});

test("by default a table has principal metrics and up to four params that tell runs apart", () => {
  const rows = [
    { kind: "param", key: "config.training.run_id", values: ["a", "b", "c"] },
    { kind: "param", key: "config.training.lr.rate", values: ["1e-4", "1e-3", "1e-4"] },
    { kind: "param", key: "config.hardware.paths.output", values: ["/a", "/b", "/c"] },
    { kind: "param", key: "config.model.decoder.num_channels", values: ["512", "1024", "1024"] },
    { kind: "param", key: "config.model.num_channels", values: ["512", "1024", "1024"] },
    { kind: "tag", key: "hpc", values: ["lumi", null, null] },
  ];
  const params = tellingParams({ rows });
  assert.deepEqual(params, ["config.model.num_channels", "config.training.lr.rate"]);
  const columns = defaultColumns({ several: false, metrics: [{ key: "val_loss", runs: 3 }, { key: "lr-AdamW", runs: 3 }], pinned: [], params });
  assert.equal(
    writeColumns(columns),
    "name,status,started,duration,user,metrics.val_loss,metrics.lr-AdamW,params.config.model.num_channels,params.config.training.lr.rate,note",
  );
});

test("params stand under the words of their names that tell them apart", () => {
  const params = (...names) => titlesOf(names.map((name) => keyed("param", name)));
  assert.deepEqual(params("config.model.num_channels", "config.training.max_steps"), ["num_channels", "max_steps"]);
  assert.deepEqual(params("batch.training", "batch.validation", "workers.training"), ["batch.training", "validation", "workers.training"]);
  assert.deepEqual(params("config.training.lr.rate", "config.seed"), ["lr.rate", "config.seed"]);
  assert.deepEqual(params("lr", "training.lr"), ["lr", "training.lr"]);
  assert.deepEqual(params("ends.with."), ["ends.with."]);
  assert.deepEqual(titlesOf([own("name"), keyed("metric", "val.loss"), keyed("param", "a.loss")]), ["Name", "val.loss", "a.loss"]);
});
