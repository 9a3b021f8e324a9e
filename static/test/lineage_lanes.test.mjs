import assert from "node:assert/strict";
import { test } from "node:test";
import { layLanes, neighbour } from "../src/lib/lineage_lanes.ts";

const node = (run_id, training_id, start, more = {}) => ({
  run_id, training_id, experiment_id: "1", run_name: `name of ${run_id}`, user_id: "ada", status: "FINISHED", lifecycle_stage: "active",
  start_time: start, end_time: start + 100, role: "attempt", attempt: 1, first_step: 0, last_step: 100, ...more,
});
const edge = (kind, run_id, target, more = {}) => ({ kind, run_id, target, target_run_id: target, ...more });
const graph = (nodes, edges, more = {}) => ({ run_id: nodes[0]?.run_id, training_id: "", nodes, edges, trainings: [], missing: [], truncated: false, ...more });
/** So wide that a unit of an axis from 0 to 1000 is a pixel. */
const WIDTH = 1_088;
const wish = (more = {}) => ({ along: "time", width: WIDTH, nowMs: 1_000, shifts: new Map(), step: String, ...more });
const bar = (drawn, run) => drawn.bars.find(({ run_id }) => run_id === run);
const lineTo = (drawn, run) => drawn.lines.find(({ to }) => to === run);

/** a was resumed by b after a pause; f was forked from b at step 150 and runs until now; n is nested in f. */
const story = graph(
  [
    node("a", "a", 0),
    node("b", "a", 200, { attempt: 2, first_step: 90, last_step: 300 }),
    node("f", "f", 600, { status: "RUNNING", end_time: null, first_step: 150, last_step: 200 }),
    node("n", "n", 700, { first_step: null, last_step: null }),
  ],
  [edge("resume", "b", "a"), edge("fork", "f", "b", { step: 150 }), edge("nest", "n", "f")],
);

test("a training is a lane, a run a bar as long as it took, and what runs reaches to now", () => {
  const drawn = layLanes(story, wish());

  assert.deepEqual(drawn.lanes.map(({ training, how }) => [training, how]), [["a", ""], ["f", "forked at step 150"], ["n", "nested"]]);
  assert.deepEqual([bar(drawn, "a").left, bar(drawn, "b").left, bar(drawn, "f").left], [44, 244, 644]);
  assert.deepEqual([bar(drawn, "a").width, bar(drawn, "f").width], [97, 397]);
  assert.equal(bar(drawn, "a").top, bar(drawn, "b").top);
  assert.ok(bar(drawn, "f").top > bar(drawn, "b").top);
  assert.deepEqual(drawn.lines.map(({ kind, from, to }) => `${kind} ${from} ${to}`), ["resume a b", "fork b f", "nest f n"]);
});

test("a fork branches at its step, in time where the origin had it", () => {
  const [byTime, bySteps] = [layLanes(story, wish()), layLanes(story, wish({ along: "steps" }))];

  // Step 150 of 90 to 300, which took 97 pixels from 244 on.
  assert.equal(Math.round(lineTo(byTime, "f").branch.x), 244 + Math.round((60 / 210) * 97));
  assert.equal(lineTo(bySteps, "f").branch.x, bySteps.xOf(150));
  assert.equal(bar(bySteps, "f").left, bySteps.xOf(150));
});

test("along steps what was gone over again stands below, and what has no steps is told apart", () => {
  const drawn = layLanes(story, wish({ along: "steps" }));

  assert.ok(bar(drawn, "b").top > bar(drawn, "a").top, "steps 90 to 100 are in both");
  assert.deepEqual([bar(drawn, "n").placed, bar(drawn, "f").placed], [false, true]);
  assert.equal(drawn.to, 300);
});

test("attempts that are shorter than a bar follow each other in one row, also where there is little room", () => {
  const many = graph(
    [...Array.from({ length: 6 }, (_, place) => node(`s${place}`, "a", place * 2, { attempt: place + 1, end_time: place * 2 + 2 })), node("long", "a", 20, { attempt: 7, end_time: 960 }),
      ...Array.from({ length: 4 }, (_, place) => node(`e${place}`, "a", 980 + place * 5, { attempt: place + 8, end_time: 985 + place * 5 }))],
    [],
  );
  for (const width of [360, WIDTH]) {
    const { bars, lines } = layLanes(many, wish({ width }));
    assert.equal(new Set(bars.map(({ top }) => top)).size, 1);
    bars.slice(1).forEach(({ left }, index) => assert.ok(left >= bars[index].left + bars[index].width, `bar ${index + 1} of ${width}`));
    assert.ok(bars.every(({ left, width: own }) => own >= 24 && left >= 0 && left + own <= width));
    assert.ok(lines.every(({ path }) => /^M[\d.]+ [\d.]+H/.test(path)), "no line makes a detour");
  }
  assert.ok(new Set(layLanes(many, wish({ width: 120 })).bars.map(({ top }) => top)).size > 1, "what has no room at all has a row of its own");
});

test("a fork leaves the attempt that has its step", () => {
  const named = { ...story, edges: [edge("resume", "b", "a"), edge("fork", "f", "a", { step: 150 })] };

  assert.equal(lineTo(layLanes(named, wish()), "f").from, "b");
});

test("a fork whose steps began anew says so, and is drawn from the step that was chosen", () => {
  const restarted = graph([node("a", "a", 0, { last_step: 1_000 }), node("f", "f", 500)], [edge("fork", "f", "a", { step: null })]);
  const unknown = layLanes(restarted, wish({ along: "steps" }));
  const chosen = layLanes(restarted, wish({ along: "steps", shifts: new Map([["f", 400]]) }));

  assert.equal(unknown.lanes[1].how, "forked, step restarted");
  assert.equal(lineTo(unknown, "f").branch, null);
  assert.equal(chosen.lanes[1].how, "forked, taken to begin at step 400");
  assert.equal(bar(chosen, "f").left, chosen.xOf(400));
  assert.equal(lineTo(chosen, "f").branch.x, chosen.xOf(400));
  const empty = graph([node("a", "a", 0), node("f", "f", 500, { first_step: null, last_step: null })], [edge("fork", "f", "a", { step: null })]);
  assert.equal(layLanes(empty, wish()).lanes[1].how, "forked", "without points nothing was restarted");
});

test("ends that are not here are hollow and stand before what hangs on them", () => {
  const gone = { target_run_id: null };
  const drawn = layLanes(
    graph(
      [node("f", "f", 500), node("c", "c", 900, { role: "copy" })],
      [{ ...edge("fork", "f", "x"), ...gone }, { ...edge("copy", "c", "y"), ...gone }],
      { missing: ["x", "y"] },
    ),
    wish(),
  );

  assert.deepEqual(drawn.lanes.map(({ training, how }) => [training, how]), [
    ["x", "not on this server"], ["f", "forked"], ["y", "not on this server"], ["c", "copied"],
  ]);
  assert.ok(bar(drawn, "y").left < bar(drawn, "c").left && bar(drawn, "y").node === null);
  assert.deepEqual(drawn.lines.map(({ kind, from }) => [kind, from]), [["fork", "x"], ["copy", "y"]]);
});

test("a fork that also resumes is drawn as a fork and keeps its other line", () => {
  const both = graph(
    [node("a", "a", 0), node("p", "p", 300, { role: "prepared" }), node("f", "f", 500)],
    [edge("resume", "f", "p"), edge("fork", "f", "a", { step: 50 })],
  );
  const drawn = layLanes(both, wish());

  assert.equal(drawn.lanes.find(({ training }) => training === "f").how, "forked at step 50");
  assert.deepEqual(drawn.lines.map(({ kind }) => kind).sort(), ["fork", "resume"]);
});

test("runs that are their own parents, or each other's, are each there once", () => {
  const loop = graph(
    [node("a", "a", 0), node("b", "b", 10), node("c", "c", 20)],
    [edge("nest", "a", "a"), edge("nest", "b", "c"), edge("nest", "c", "b")],
  );

  assert.deepEqual(layLanes(loop, wish()).bars.map(({ run_id }) => run_id).sort(), ["a", "b", "c"]);
});

test("whatever runs lack, there is a number for everything", () => {
  const bare = graph([node("a", "a", 0, { start_time: null, end_time: null, last_step: null }), node("b", "b", 5, { end_time: null })], [edge("nest", "b", "a")]);
  for (const drawn of [layLanes(bare, wish()), layLanes(bare, wish({ along: "steps", width: 0 })), layLanes(graph([], []), wish())]) {
    for (const { left, top, width } of drawn.bars) assert.ok([left, top, width].every(Number.isFinite));
    assert.ok(drawn.lines.every(({ path }) => !/NaN|Infinity|undefined/.test(path)));
  }
});

test("five thousand runs are laid out at once, in a chain, a star or one training", () => {
  const ids = Array.from({ length: 5_000 }, (_, index) => `r${index}`);
  const nodes = ids.map((id, index) => node(id, id, index));
  const chain = graph(nodes, ids.slice(1).map((id, index) => edge("nest", id, ids[index])));
  const star = graph(nodes, ids.slice(1).map((id) => edge("nest", id, "r0")));
  const training = graph(ids.map((id, index) => node(id, "r0", index, { attempt: index + 1 })), ids.slice(1).map((id) => edge("resume", id, "r0")));
  const begun = performance.now();
  for (const many of [chain, star, training]) {
    const drawn = layLanes(many, wish());
    assert.equal(new Set(drawn.bars.map(({ run_id }) => run_id)).size, 5_000);
    assert.equal(drawn.lines.length, 4_999);
  }
  const spent = performance.now() - begun;
  assert.ok(spent < 3_000, `${spent} ms`);
});

test("bars of a lane never lie on each other", () => {
  const crowd = graph(Array.from({ length: 300 }, (_, index) => node(`r${index}`, "r0", (index * 37) % 1_000, { attempt: index + 1 })), []);
  const bars = layLanes(crowd, wish()).bars;
  for (const one of bars) {
    const hit = bars.find((other) => other !== one && other.top === one.top && other.left < one.left + one.width && one.left < other.left + other.width);
    assert.equal(hit, undefined);
  }
});

test("arrow keys lead through the bars and over the lanes, and stay at the ends", () => {
  const { bars } = layLanes(story, wish());
  const to = (run, key) => neighbour(bars, run, key).run_id;

  assert.deepEqual([to("a", "ArrowRight"), to("b", "ArrowRight"), to("b", "ArrowLeft"), to("a", "ArrowLeft")], ["b", "f", "a", "a"]);
  assert.deepEqual([to("a", "ArrowDown"), to("f", "ArrowUp"), to("n", "ArrowDown"), to("a", "End"), to("n", "Home")], ["f", "b", "n", "n", "a"]);
});
