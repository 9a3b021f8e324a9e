import assert from "node:assert/strict";
import { test } from "node:test";
import { storedLines } from "../src/screens/admin/stored.ts";

const one = (name, artifact_bytes) => ({ experiment_id: name, name, artifact_bytes });

test("experiments are told by what their files take, most first", () => {
  const { lines, total, without } = storedLines([one("a", 100), one("b", 0), one("c", 300)]);
  assert.equal(total, 400);
  assert.equal(without, 1);
  assert.deepEqual(lines.map(({ experiment, share, bar }) => [experiment.name, share, bar]), [["c", 0.75, 1], ["a", 0.25, 100 / 300]]);
});

test("where there is no file there is no line", () => {
  assert.deepEqual(storedLines([one("a", 0)]), { lines: [], total: 0, without: 1 });
});
