import assert from "node:assert/strict";
import { test } from "node:test";
import { keyed } from "../src/screens/runs/columns.ts";
import { clauseOf, groupKey, groupOrder, groupSort, readGroupBy } from "../src/screens/runs/groups/group_by.ts";

test("runs are grouped by what an address says, if it means something", () => {
  assert.deepEqual(readGroupBy("status"), { by: "attribute.status", field: "attributes.status", title: "Status" });
  assert.equal(readGroupBy("params.config.lr").by, "params.config.lr");
  assert.equal(readGroupBy("tags.`a b`").field, "tags.`a b`");
  for (const text of [undefined, "", "metrics.loss", "constructor", "__proto__", "name", "curve.loss", "params."]) assert.equal(readGroupBy(text), null, String(text));
});

test("a group is a filter, where one can say it", () => {
  const [user, lr] = [readGroupBy("user"), readGroupBy("params.lr")];
  assert.equal(clauseOf(lr, "1e-4"), "params.lr = '1e-4'");
  assert.equal(clauseOf(lr, "it's"), `params.lr = "it's"`);
  assert.equal(clauseOf(lr, `'"`), null);
  assert.equal(clauseOf(lr, null), "params.lr IS NULL");
  assert.equal(clauseOf(user, null), "attributes.user_id = ''");
  assert.equal(clauseOf(lr, "w".repeat(10_001)), null, "its end was not told");
});

test("groups are sorted by what they have, the largest first where that is not said", () => {
  const metrics = [keyed("metric", "val_loss"), keyed("metric", "a b")];
  assert.equal(groupOrder(groupSort([], metrics)), "count DESC");
  assert.equal(groupOrder(groupSort([{ id: "started", descending: true }], metrics)), "count DESC", "runs alone have that");
  assert.equal(groupOrder(groupSort([{ id: "group", descending: false }], metrics)), "value ASC");
  assert.equal(groupOrder(groupSort([{ id: "started", descending: true }, { id: metrics[1].id, descending: false }], metrics)), "metrics.`a b` ASC");
});

test("what is open has a short name in the address, of its own", () => {
  const keys = [null, "", "none", "1e-4", "1e-5", "w".repeat(10_000), "a,b"].map(groupKey);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^[\da-z]{1,13}$/);
});
