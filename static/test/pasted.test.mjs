import assert from "node:assert/strict";
import { test } from "node:test";
import { pastedPlace } from "../src/state/pasted.ts";

const RUN = "0f".repeat(16);

test("the id of a run leads to the run", () => {
  const route = { screen: "run", experiment: "0", run: RUN, tab: "overview", path: "" };
  assert.deepEqual(pastedPlace(` ${RUN}\n`), { route, state: {} });
});

test("a link of any server leads to the same place here", () => {
  const route = { screen: "run", experiment: "7", run: RUN, tab: "model-metrics", path: "" };
  for (const start of ["https://mlflow.example:5000/prefix/", "http://localhost:8080/", ""]) {
    assert.deepEqual(pastedPlace(`${start}#/experiments/7/runs/${RUN}/model-metrics`), { route, state: {} });
  }
});

test("other texts mean nothing", () => {
  for (const text of ["", "aifs", "0f0f", "https://a.example/", "https://a.example/#/models/x", "javascript:alert(1)#/runs", "#runs"]) {
    assert.equal(pastedPlace(text), null, text);
  }
});
