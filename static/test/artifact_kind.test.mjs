import assert from "node:assert/strict";
import { test } from "node:test";
import { artifactKind, folderOf, foldersTo, joined, nameOf } from "../src/lib/artifact_kind.ts";
import { readJson } from "../src/lib/json_text.ts";

test("how a file is shown follows from its name alone", () => {
  const kinds = {
    "plots/a.PNG": "image", "a.json": "json", "README.md": "markdown", readme: "text", "terminal_log.txt": "text", "t.csv": "table", "t.TSV": "table",
    "model/MLmodel": "yaml", "c.yml": "yaml", "b.ipynb": "notebook", "x.html": "page", "x.svg": "page", "x.xhtml": "page", "x.mht": "active", "x.xml": "text",
    "x.pdf": "pdf", "a.wav": "audio", "a.webm": "video", "weights.ckpt": "other", png: "other", "a.png.exe": "other", "a.constructor": "other", "": "other",
  };
  for (const [path, kind] of Object.entries(kinds)) assert.equal(artifactKind(path), kind, path);
});

test("paths and their folders", () => {
  assert.deepEqual(foldersTo("a/b/c.txt"), ["", "a", "a/b"]);
  assert.deepEqual(foldersTo(""), [""]);
  assert.equal(folderOf("c.txt"), "");
  assert.equal(folderOf("a/b/c.txt"), "a/b");
  assert.equal(nameOf("a/b/c.txt"), "c.txt");
  assert.equal(joined("", "c.txt"), "c.txt");
  assert.equal(joined("a", "c.txt"), "a/c.txt");
});

test("JSON is read as data, or it is said why not", () => {
  assert.deepEqual(readJson('{"a": [1]}'), { value: { a: [1] } });
  assert.match(readJson("{NaN").mistake, /cannot read/);

  const { value } = readJson('{"__proto__": {"owned": true}}');
  assert.equal(value.owned, undefined);
  assert.deepEqual(Object.keys(value), ["__proto__"]);
});

test("JSON that is nested very deep stops nothing", () => {
  const read = readJson("[".repeat(200_000));
  assert.ok("mistake" in read);
});
