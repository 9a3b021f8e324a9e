import assert from "node:assert/strict";
import { test } from "node:test";
import { facts, ownTags, webAddress } from "../src/lib/facts.ts";

const run = (tags, params = {}) => ({
  info: { run_id: "0f", experiment_id: "1", status: "RUNNING", lifecycle_stage: "active" },
  data: {
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    params: Object.entries(params).map(([key, value]) => ({ key, value })),
  },
});

test("facts are what is known, tags before params", () => {
  assert.deepEqual(facts(run({ SLURM_JOB_ID: "7", command: "" }, { slurm_job_id: "8", hostname: "n01" })), [
    { name: "Host", value: "n01" },
    { name: "Job", value: "7" },
    { name: "Run id", value: "0f" },
  ]);
});

test("only the address of a web page is a link", () => {
  assert.equal(webAddress("https://example.org/a?b#c"), "https://example.org/a?b#c");
  for (const text of ["javascript:alert(1)", " https://x.example", "https://x y", "data:text/html,x", "//x.example", "ftp://x.example", "http://"]) {
    assert.equal(webAddress(text), null, text);
  }
});

test("the tags that MLflow keeps for itself are not those of people", () => {
  assert.deepEqual(ownTags([{ key: "mlflow.user", value: "a" }, { key: "hpc", value: "lumi" }]), [{ key: "hpc", value: "lumi" }]);
});
