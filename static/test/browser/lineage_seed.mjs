// A family of runs with curves whose values are known.

import { call, forEachOf, makeExperiment, makeRun } from "./seed.mjs";
import { IMG } from "./hostile.mjs";

export const HOSTILE_NAMES = { child: `${IMG}\u202egnp.exe` };

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 1);
/** A value at each step from one to another; the last is not among them. */
const curve = (from, to, valueOf) => Array.from({ length: to - from }, (_, place) => [from + place, valueOf(from + place)]);

/**
 * `control` had two attempts: `first` from step 0 to 59 with the value 10 + step, `second` from 40 to 99 with 100 + step. Of
 * `first` was forked `fork` at step 50 with 1000 + step, and `restarted`, whose steps begin at 0 again. `child`, of a hostile
 * name, is nested in `fork`; the origin of `lost fork` is not here; `mirror` is a copy of a run that is
 * not here, and nested in `fork` as well. `crowd` has 400 runs nested in it.
 */
export async function seedFamily(address) {
  const experiment = await makeExperiment(address, "family");
  const add = (name, place, more) => makeRun(address, experiment, { name, start: START + place * 2 * HOUR_MS, ...more });
  const forked = (origin) => ({ forkedRun: "True", forkedRunId: origin });
  const first = await add("control", 0, { params: { lr: "1e-4", width: 512 }, metrics: { val_loss: curve(0, 60, (step) => 10 + step) } });
  const second = await add("control", 1, {
    params: { lr: "1e-4", width: 512 },
    tags: { "mlflow.parentRunId": first, resumedRun: "True" },
    metrics: { val_loss: curve(40, 100, (step) => 100 + step) },
  });
  const fork = await add("fork", 2, { params: { lr: "5e-5", width: 512 }, tags: forked(first), metrics: { val_loss: curve(50, 100, (step) => 1_000 + step) } });
  const restarted = await add("restarted", 3, { params: { lr: "1e-5", width: 512 }, tags: forked(first), metrics: { val_loss: curve(0, 30, (step) => 2_000 + step) } });
  const child = await add(HOSTILE_NAMES.child, 4, { tags: { "mlflow.parentRunId": fork } });
  const lost = await add("lost fork", 5, { tags: forked("f".repeat(32)) });
  await call(address, "runs/set-tag", { run_id: lost, key: "mlflow.parentRunId", value: fork });
  await add("mirror", 6, { tags: { "mlflow.parentRunId": fork }, params: { "metadata.server2server_run_id": "e".repeat(32) } });
  const crowd = await add("crowd", 8, {});
  await forEachOf(Array.from({ length: 400 }), (_, place) => add(`child ${place}`, 9 + place / 400, { tags: { "mlflow.parentRunId": crowd } }));
  return { experiment, first, second, fork, restarted, child, lost, crowd };
}

/**
 * `deep` had the value 100 until step 9 and 0.05 from there to step 1,999, in two attempts of which the first ended soon. At step
 * 1,000 `wide` and `narrow` were forked from it, which went on to step 1,499 with 0.04 and 0.03.
 */
export async function seedForks(address) {
  const experiment = await makeExperiment(address, "forks");
  const add = (name, place, values, more = {}) => makeRun(address, experiment, { name, start: START + place, metrics: { val_loss: values }, ...more });
  const value = (step) => (step < 10 ? 100 : 0.05);
  const first = await add("deep", 0, curve(0, 20, value));
  const origin = await add("deep", 60_000, curve(20, 2_000, value), { tags: { "mlflow.parentRunId": first, resumedRun: "True" } });
  const forked = { forkedRun: "True", forkedRunId: origin };
  const wide = await add("wide", 30 * HOUR_MS, curve(1_000, 1_500, () => 0.04), { tags: forked });
  const narrow = await add("narrow", 31 * HOUR_MS, curve(1_000, 1_500, () => 0.03), { tags: forked });
  return { experiment, first, origin, wide, narrow };
}
