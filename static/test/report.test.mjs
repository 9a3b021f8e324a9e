import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf, slim, unslim } from "../src/charts/report/data.ts";
import { ATTEMPT_ONLY, keyNote } from "../src/lib/diff_text.ts";
import { jsonForPage } from "../src/lib/json_text.ts";
import { whichOf } from "../src/lib/metric_values.ts";

const segment = (mean, more = {}) => ({ first_step: 0, last_step: 1, at: null, mean, min: mean, max: mean, ...more });
const answer = (segments) => ({ x: [0, 1_234.5678], raw: false, grid: null, series: [{ run_id: "a", metric: "loss", total: 2, points: 2, segments }] });

test("a file has as many values of a curve as there is room for", () => {
  assert.deepEqual(planOf(5, 3, 3), { cards: 3, buckets: 1_000 });
  const many = planOf(5, 30, 3);
  assert.equal(many.cards, 30);
  assert.ok(many.buckets >= 150 && many.buckets < 250, `${many.buckets}`);
  for (const [runs, cards] of [[1, 1], [5, 60], [100, 3], [100, 200], [2, 500]]) {
    const plan = planOf(runs, cards, 4);
    assert.ok(plan.cards >= 1 && plan.cards <= cards && plan.buckets >= 100 && plan.buckets <= 1_000, JSON.stringify(plan));
    assert.ok(plan.cards === 1 || plan.cards * runs * plan.buckets * 4 * 8.5 <= 810_000, JSON.stringify(plan));
  }
});

test("what is one value is kept once, with five digits", () => {
  const small = slim(answer([segment([0.123456789, "NaN"]), segment([2, 3], { min: [1, 3], max: [4, 3], smooth: [2.000001, null] })]));
  assert.deepEqual(small.x, [0, 1_234.6]);
  assert.deepEqual(small.series[0].segments, [
    { first_step: 0, last_step: 1, at: null, mean: [0.12346, "NaN"] },
    { first_step: 0, last_step: 1, at: null, mean: [2, 3], min: [1, 3], max: [4, 3], smooth: [2, null] },
  ]);
  assert.deepEqual(unslim(small).series[0].segments[0].max, [0.12346, "NaN"]);
});

test("JSON in a page ends nothing and begins nothing", () => {
  const text = `</script><!--<script>&"`;
  assert.doesNotMatch(jsonForPage({ [text]: text }), /</);
  assert.deepEqual(JSON.parse(jsonForPage({ [text]: text })), { [text]: text });
});

test("a part of an origin keeps where it ends", () => {
  const of = answer([segment([1, 2])]);
  const part = { ...of, series: [{ ...of.series[0], until: 50 }] };
  assert.equal(unslim(slim(part)).series[0].until, 50);
});

test("which values are told stands in the address", () => {
  assert.deepEqual(whichOf({}), { which: "last", step: undefined });
  assert.deepEqual(whichOf({ val: "best" }), { which: "best", step: undefined });
  assert.deepEqual(whichOf({ val: "best", at: "-5" }), { which: "at", step: -5 });
  assert.deepEqual(whichOf({ val: "worst", at: "1e3" }), { which: "last", step: undefined });
});

test("where whole trainings are told, a duration is said to be that of an attempt", () => {
  const duration = { kind: "attribute", key: "duration" };
  assert.equal(keyNote(duration, true), ATTEMPT_ONLY);
  assert.equal(keyNote(duration, false), "");
  assert.equal(keyNote({ kind: "param", key: "duration" }, true), "");
});
