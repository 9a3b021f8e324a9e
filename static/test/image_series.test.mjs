import assert from "node:assert/strict";
import { test } from "node:test";
import { frameAt, imageSeries, sharedSeries, stepped } from "../src/lib/image_series.ts";

const files = (...names) => names.map((name) => ({ name, is_dir: false }));
/** Series as `key: steps`, and the names that are left. */
const told = (names) => {
  const { series, single } = imageSeries(files(...names));
  return [series.map(({ key, frames }) => `${key}: ${frames.map(({ step }) => step)}`), single.map(({ name }) => name)];
};

test("names that differ in one number are a series, in the order of the number, however it is padded", () => {
  assert.deepEqual(told(["loss_epoch2.jpg", "loss_epoch010.jpg", "loss_epoch1.jpg"]), [["loss_epoch*.jpg: 1,2,10"], []]);
});

test("a picture that is alone is no series, and neither are names without numbers", () => {
  assert.deepEqual(told(["loss_epoch2.jpg", "map.png", "other.png"]), [[], ["loss_epoch2.jpg", "map.png", "other.png"]]);
});

test("several series in one folder; what is no picture is in none", () => {
  const names = ["a_1.png", "b_1.png", "a_2.png", "b_2.png", "a_1.jpg", "a_2.jpg", "log_1.txt", "log_2.txt"];
  assert.deepEqual(told(names), [["a_*.png: 1,2", "b_*.png: 1,2", "a_*.jpg: 1,2"], []]);
});

test("of several numbers the one that varies is the step", () => {
  assert.deepEqual(told(["t850_epoch01_x2.png", "t850_epoch02_x2.png"]), [["t850_epoch*_x2.png: 1,2"], []]);
});

test("where several vary, the one that is called epoch or step is the step, and the others make series", () => {
  const names = ["rstep01_epoch1.png", "rstep02_epoch1.png", "rstep01_epoch2.png", "rstep02_epoch2.png"];
  assert.deepEqual(told(names)[0], ["rstep01_epoch*.png: 1,2", "rstep02_epoch*.png: 1,2"]);
  assert.deepEqual(told(["step1_level500.png", "step2_level500.png", "step1_level850.png", "step2_level850.png"])[0], ["step*_level500.png: 1,2", "step*_level850.png: 1,2"]);
  assert.deepEqual(told(["1_500.png", "2_500.png", "3_500.png", "1_850.png", "2_850.png", "3_850.png"])[0], ["*_500.png: 1,2,3", "*_850.png: 1,2,3"]);
});

test("one step under two names is one frame, and the other is a picture by itself", () => {
  assert.deepEqual(told(["a1.png", "a01.png", "a2.png"]), [["a*.png: 1,2"], ["a01.png"]]);
});

test("what MLflow's clients log is one series a key: the last of a step, in full size", () => {
  const id = "g1234567-0000-4000-8000-000000000000";
  const name = (key, step, time, end, by = "%") => `${key}${by}step${by}${step}${by}timestamp${by}${time}${by}${id}${end}`;
  const names = [
    name("pred#map", 0, 100, "%compressed.webp"), name("pred#map", 0, 100, ".png"), name("pred#map", 5, 200, ".png"),
    name("pred#map", 5, 300, ".png"), name("pred#map", 5, 200, "%compressed.webp"), name("new", 1, 1, ".png", "+"), name("new", 2, 1, ".png", "+"),
    name("new", 2, 1, "+compressed.webp", "+"), name("once", -1, 1, ".png"),
  ];
  const { series, single } = imageSeries(files(...names));

  assert.deepEqual(series.map(({ key, name: called, frames }) => [key, called, frames.map(({ step, file }) => [step, file.name])]), [
    ["pred#map+step+*", "pred/map", [[0, names[1]], [5, names[3]]]],
    ["new+step+*", "new", [[1, names[5]], [2, names[6]]]],
  ]);
  assert.deepEqual(single.map((file) => file.name), [names[8]]);
});

test("numbers that are ids or times are no steps", () => {
  assert.deepEqual(told(["a1234567890123456.png", "a1234567890123457.png"])[0], []);
});

test("ten thousand files take no time", () => {
  const names = Array.from({ length: 10_000 }, (_, place) => `var${place % 10}_epoch${Math.floor(place / 10)}.png`);
  const { series, single } = imageSeries(files(...names));

  assert.equal(series.length, 10);
  assert.equal(series[3].frames.length, 1_000);
  assert.equal(single.length, 0);
});

test("hostile names are names", () => {
  const names = ["__proto__1.png", "__proto__2.png", `"><img src=x onerror=a>1.png`, `"><img src=x onerror=a>2.png`, "\u202e1.png", ".png", "1.png"];
  assert.deepEqual(told(names), [["__proto__*.png: 1,2", `"><img src=x onerror=a>*.png: 1,2`], ["\u202e1.png", ".png", "1.png"]]);
});

test("the frame at a step is the last that is not after it", () => {
  const steps = [0, 10, 20];
  assert.deepEqual([-5, 0, 9, 10, 15, 20, 99].map((step) => frameAt(steps, step)), [0, 0, 0, 1, 1, 2, 2]);
  assert.equal(frameAt([], 3), 0);
});

test("a step leads to the next one that there is", () => {
  assert.equal(stepped([0, 10, 20], null, 1), 10);
  assert.equal(stepped([0, 10, 20], 15, 1), 20);
  assert.equal(stepped([0, 10, 20], 20, 1), 20);
  assert.equal(stepped([0, 10, 20], 0, -1), 0);
  assert.equal(stepped([], 0, 1), null);
});

test("runs share pictures and series by name, and by key what MLflow's clients logged", () => {
  const logged = (step, time) => `map%step%${step}%timestamp%${time}%g1%compressed.webp`;
  const shared = sharedSeries([
    files("alone.png", "loss_epoch1.png", "loss_epoch2.png", "same.png", logged(0, 1), logged(5, 2)),
    files("loss_epoch2.png", "same.png", logged(0, 7)),
    files("same.png", "notes.txt"),
  ]);

  assert.deepEqual(shared.map(({ key, frames }) => [key, frames.map((of) => of.map(({ step }) => step))]), [
    ["same.png", [[0], [0], [0]]],
    ["map+step+*", [[0, 5], [0], []]],
    ["loss_epoch*.png", [[1, 2], [2], []]],
    ["alone.png", [[0], [], []]],
  ]);
});
