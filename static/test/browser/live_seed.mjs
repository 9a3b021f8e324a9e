// Runs that are at work, each with another fate.

import { makeExperiment, makeRun } from "./seed.mjs";
import { IMG } from "./hostile.mjs";

export const hostileName = `${IMG}\u202egnp.exe`;

const MINUTE_MS = 60_000;
/** A point every ten steps; points are a second apart. */
const curve = (count, valueOf) => Array.from({ length: count }, (_, place) => [place * 10, valueOf(place)]);

/**
 * `healthy` made its last step just now; `silent` 35 minutes ago; the loss of `diverged` is NaN from step 420 on; that of `worse`
 * is 1.5 after a best of 1; one has a hostile name and no points. `ended` has ended. All that is relative to `now`.
 */
export async function seedRunning(address) {
  const experiment = await makeExperiment(address, "at work");
  const now = Date.now();
  const params = { max_steps: 100_000 };
  const add = (name, loss, ago = 0) =>
    makeRun(address, experiment, { name, params, metrics: { val_loss: loss }, status: "RUNNING", start: now - loss.length * 1_000 - ago });
  const falling = curve(100, (place) => 1 / (1 + place));
  const runs = {
    healthy: await add("healthy", falling),
    silent: await add("silent", falling, 35.5 * MINUTE_MS),
    diverged: await add("diverged", curve(100, (place) => (place < 42 ? 1 / (1 + place) : "NaN"))),
    worse: await add("worse", curve(100, (place) => (place < 50 ? 1 : 1.5))),
  };
  await makeRun(address, experiment, { name: hostileName, status: "RUNNING", start: now });
  await makeRun(address, experiment, { name: "ended", metrics: { val_loss: [1, 2] } });
  return { experiment, runs, now };
}
