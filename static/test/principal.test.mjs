import assert from "node:assert/strict";
import { test } from "node:test";
import { principalMetrics } from "../src/charts/principal.ts";

const keys = (names) => Object.entries(names).map(([key, runs]) => ({ key, runs }));

test("validation losses come first, then losses, errors and learning rates, each by how many runs have them", () => {
  const all = { epoch: 90, "lr-AdamW": 80, rmse_t: 70, train_loss: 40, val_loss: 2, val_other_loss: 5 };
  assert.deepEqual(principalMetrics(keys(all), []), ["val_other_loss", "val_loss", "train_loss"]);
  assert.deepEqual(principalMetrics(keys({ epoch: 9, "lr-AdamW": 1, val_wmse_epoch: 1 }), []), ["val_wmse_epoch", "lr-AdamW"]);
});

test("what was pinned comes before all of them, as far as it is there", () => {
  assert.deepEqual(principalMetrics(keys({ epoch: 1, val_loss: 1 }), ["gone", "epoch"]), ["epoch", "val_loss"]);
});

test("where no name says anything, those that most runs have; figures of the machine never", () => {
  assert.deepEqual(principalMetrics(keys({ b: 1, a: 1, c: 2, "system/loss": 9 }), []), ["c", "a", "b"]);
});
