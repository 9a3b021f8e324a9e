import assert from "node:assert/strict";
import { test } from "node:test";
import { STANDARD_SORT, formatSort, linesOf, matching, nextSort, parseSort } from "../src/screens/experiments/lines.ts";

let lastId = 0;
function experiment(name, known = {}) {
  const figures = { runs: 0, running: 0, failed_recently: 0, last_activity: 0, users: [], user_count: 0, artifact_bytes: 0 };
  return { experiment_id: String(++lastId), name, tags: [], ...figures, ...known };
}

const look = (known = {}) => ({ sort: { key: "name", descending: false }, starred: new Set(), isTree: false, open: new Set(), allOpen: false, ...known });
const brief = (lines) => lines.map((line) => `${"  ".repeat(line.depth)}${line.label}`);

test("names are in the order of people, or by figures", () => {
  const all = [experiment("run 10", { runs: 3 }), experiment("run 9", { runs: 5 }), experiment("b", { runs: 5 })];
  assert.deepEqual(brief(linesOf(all, look())), ["b", "run 9", "run 10"]);
  assert.deepEqual(brief(linesOf(all, look({ sort: { key: "runs", descending: true } }))), ["b", "run 9", "run 10"]);
  assert.deepEqual(brief(linesOf(all, look({ sort: { key: "runs", descending: false } }))), ["run 10", "b", "run 9"]);
});

test("those with a star stay on top whatever the order", () => {
  const all = [experiment("a"), experiment("b"), experiment("c")];
  const starred = new Set([all[2].experiment_id]);
  assert.deepEqual(brief(linesOf(all, look({ starred }))), ["c", "a", "b"]);
  assert.deepEqual(brief(linesOf(all, look({ starred, sort: { key: "name", descending: true } }))), ["c", "b", "a"]);
});

test("slashes make folders, which sum up what is in them", () => {
  const all = [
    experiment("aifs/global", { runs: 5, running: 1, last_activity: 7, users: ["ada"], user_count: 1, artifact_bytes: 10 }),
    experiment("aifs/sweep/lr", { runs: 2, failed_recently: 1, last_activity: 9, users: ["ada", "grace"], user_count: 2, artifact_bytes: 5 }),
    experiment("aifs"),
    experiment("zz"),
  ];
  const closed = linesOf(all, look({ isTree: true }));
  assert.deepEqual(brief(closed), ["aifs", "aifs/", "zz"]);
  assert.deepEqual(closed[1].figures, { runs: 7, running: 1, failed: 1, activity: 9, users: 2, size: 15 });
  assert.deepEqual(brief(linesOf(all, look({ isTree: true, open: new Set(["aifs/"]) }))), ["aifs", "aifs/", "  global", "  sweep/", "zz"]);
  assert.deepEqual(brief(linesOf(all, look({ isTree: true, allOpen: true }))), ["aifs", "aifs/", "  global", "  sweep/", "    lr", "zz"]);
});

test("slashes that part nothing make no folders", () => {
  const all = ["/", "/Users/ada/x", "x/", "a//b"].map((name) => experiment(name));
  assert.deepEqual(brief(linesOf(all, look({ isTree: true, allOpen: true }))), ["/", "/Users/", "  ada/", "    x", "a/", "  /b", "x/"]);
});

test("a filter looks for its words in names, descriptions, users and tags", () => {
  const tags = [{ key: "mlflow.note.content", value: "Ocean waves" }, { key: "team", value: "red" }, { key: "mlflow.x", value: "hidden" }];
  const all = [experiment("Aifs/global", { users: ["ada"], tags }), experiment("other")];
  for (const filter of ["", "aifs", "AIFS ada", "ocean", "team=red", "  global   waves "]) assert.ok(matching(all, filter).includes(all[0]), filter);
  for (const filter of ["hidden", "aifs other", "x"]) assert.ok(!matching(all, filter).includes(all[0]), filter);
});

test("a sort stands in the address unless it is the standard", () => {
  assert.deepEqual(parseSort(undefined), STANDARD_SORT);
  assert.deepEqual(parseSort("-bogus"), STANDARD_SORT);
  assert.equal(formatSort(STANDARD_SORT), undefined);
  for (const text of ["name", "-name", "-runs", "activity"]) assert.equal(formatSort(parseSort(text)), text);
});

test("a click on a column sorts by it, the next one turns it", () => {
  assert.deepEqual(nextSort(STANDARD_SORT, "name"), { key: "name", descending: false });
  assert.deepEqual(nextSort(STANDARD_SORT, "size"), { key: "size", descending: true });
  assert.deepEqual(nextSort({ key: "size", descending: true }, "size"), { key: "size", descending: false });
});
