import assert from "node:assert/strict";
import { test } from "node:test";
import { RUNNING, STATE_NAMES, formatPlace, isLive, parsePlace } from "../src/state/place.ts";

const RUN = "0f".repeat(16);

/** What an address means, and how it is written anew. */
const cases = [
  ["", { screen: "experiments" }, "#/experiments"],
  ["#/", { screen: "experiments" }, "#/experiments"],
  ["#/experiments/7", { screen: "runs", experiments: ["7"] }, "#/experiments/7/runs"],
  ["#/experiments/7,9/runs", { screen: "runs", experiments: ["7", "9"] }, "#/experiments/7,9/runs"],
  ["#/runs", { screen: "runs", experiments: [] }, "#/runs"],
  [
    `#/experiments/7/runs/${RUN}`,
    { screen: "run", experiment: "7", run: RUN, tab: "overview", path: "" },
    `#/experiments/7/runs/${RUN}`,
  ],
  [
    `#/experiments/7/runs/${RUN}/artifacts/plots/a%20%23b.png`,
    { screen: "run", experiment: "7", run: RUN, tab: "artifacts", path: "plots/a #b.png" },
    `#/experiments/7/runs/${RUN}/artifacts/plots/a%20%23b.png`,
  ],
  ["#/admin", { screen: "admin", page: "server", experiment: "" }, "#/admin/server"],
  ["#/admin/roles/7", { screen: "admin", page: "roles", experiment: "7" }, "#/admin/roles/7"],
  ["#/admin/users/7", { screen: "unknown", address: "/admin/users/7" }],
  ["#/admin/roles/x", { screen: "unknown", address: "/admin/roles/x" }],
  ["#/experiments?state=deleted", { screen: "admin", page: "trash", experiment: "" }, "#/admin/trash"],
  ["#/settings", { screen: "settings" }, "#/settings"],
  ["#/views/k3x9tq2a", { screen: "view", key: "k3x9tq2a" }, "#/views/k3x9tq2a"],
  ["#/views/..%2Fusers", { screen: "unknown", address: "/views/..%2Fusers" }],
  // MLflow's own links, of its first, second and third version.
  [`#/experiments/7/runs/${RUN}/artifactPath/x/y.txt`, { screen: "run", experiment: "7", run: RUN, tab: "artifacts", path: "x/y.txt" }],
  ["#/experiments/7/s", { screen: "runs", experiments: ["7"] }, "#/experiments/7/runs"],
  ['#/compare-runs?runs=["a","b"]&experiments=["1"]', { screen: "compare", runs: ["a", "b"] }, "#/compare?runs=a,b"],
  ["#/compare-runs?runs=%5B%22a%22%2C%22b%22%5D", { screen: "compare", runs: ["a", "b"] }, "#/compare?runs=a,b"],
  ['#/metric/loss?runs=["a"]&experiments=["1"]&plot_metric_keys=["loss"]', { screen: "compare", runs: ["a"] }, "#/compare?runs=a"],
  ['#/compare-experiments/s?experiments=["1","2"]', { screen: "runs", experiments: ["1", "2"] }, "#/experiments/1,2/runs"],
  // What means nothing says so.
  ["#/models/x", { screen: "unknown", address: "/models/x" }, "#/models/x"],
  ["#/experiments/x", { screen: "unknown", address: "/experiments/x" }, "#/experiments/x"],
  [`#/experiments/7/runs/${RUN}/bogus`, { screen: "unknown", address: `/experiments/7/runs/${RUN}/bogus` }],
];

for (const [hash, route, written] of cases) {
  test(`the address ${hash || "(none)"}`, () => {
    const place = parsePlace(hash);
    assert.deepEqual(place.route, route);
    if (written !== undefined) assert.equal(formatPlace(place), written);
  });
}

test("every name of state survives the way into an address and back, whatever it holds", () => {
  for (const value of ["1", "metrics.loss < 0.1 and tags.a = 'x&y=z#q'", 'params."a%20b" = "ü+ö"', "-metrics.val_loss,name", "é\u{1f600}\\ `"]) {
    const state = Object.fromEntries(STATE_NAMES.map((name) => [name, value]));
    const written = formatPlace({ route: { screen: "runs", experiments: [] }, state });
    assert.deepEqual(parsePlace(written).state, state, written);
    assert.match(written, /^#[\x21-\x7e]*$/, "an address is visible ASCII");
  }
});

test("state is written in one order, and what is empty is not", () => {
  const state = { sel: "a", x: "wall", q: "loss", sort: "" };
  assert.equal(formatPlace({ route: { screen: "runs", experiments: [] }, state }), "#/runs?q=loss&x=wall&sel=a");
});

test("what people read and paste stays readable", () => {
  const state = { q: "metrics.val_loss < 0.1", cols: "name,params.lr", range: "1000:5000" };
  const written = formatPlace({ route: { screen: "runs", experiments: ["7"] }, state });
  assert.equal(written, "#/experiments/7/runs?q=metrics.val_loss%20%3C%200.1&cols=name,params.lr&range=1000:5000");
});

test("half an escape is taken as it is", () => {
  assert.deepEqual(parsePlace("#/runs?q=100%").state, { q: "100%" });
});

test("what runs now is a page of its own, however its search is spaced", () => {
  for (const hash of [`#/runs?q=${RUNNING}`, "#/runs?q=attributes.status='RUNNING'", "#/runs?q=attributes.status%20%3D%20'RUNNING'&flat=1"]) assert.equal(isLive(parsePlace(hash)), true, hash);
  for (const hash of ["#/runs", `#/experiments/1/runs?q=${RUNNING}`, "#/runs?q=attributes.status='FINISHED'"]) assert.equal(isLive(parsePlace(hash)), false, hash);
});
