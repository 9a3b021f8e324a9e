import assert from "node:assert/strict";
import { test } from "node:test";
import { readNotebook } from "../src/lib/notebook.ts";

test("cells have their source and what they printed, without colours", () => {
  const cells = readNotebook({
    cells: [
      { cell_type: "markdown", source: ["# Title\n", "text"] },
      { cell_type: "code", execution_count: 3, source: "print(1)", outputs: [
        { output_type: "stream", name: "stdout", text: ["1\n"] },
        { output_type: "execute_result", data: { "text/plain": "a b", "text/html": "<table>" } },
        { output_type: "display_data", data: { "image/png": "iVBO\nRw0=", "text/plain": "<Figure>" } },
        { output_type: "error", ename: "E", evalue: "v", traceback: ["\u001b[31mred\u001b[0m"] },
      ] },
    ],
  });
  assert.deepEqual(cells, [
    { kind: "markdown", source: "# Title\ntext", count: null, outputs: [] },
    { kind: "code", source: "print(1)", count: 3, outputs: [
      { text: "1\n", isError: false },
      { text: "a b", isError: false },
      { picture: "data:image/png;base64,iVBORw0=" },
      { text: "red", isError: true },
    ] },
  ]);
});

test("what could act is named and left out", () => {
  const data = { "application/javascript": "hacked=1", "text/html": "<script>hacked=1</script>", "image/svg+xml": "<svg onload=hacked=1>" };
  const [cell] = readNotebook({ cells: [{ cell_type: "code", source: "", outputs: [{ output_type: "display_data", data }, { output_type: "display_data", data: { "image/png": `x" onerror="hacked=1` } }] }] });
  assert.deepEqual(cell.outputs, [{ left: "application/javascript, text/html, image/svg+xml" }, { left: "image/png" }]);
});

test("what is no notebook is none, and odd ones stop nothing", () => {
  for (const none of [null, 1, [], {}, { cells: {} }, { worksheets: [] }]) assert.equal(readNotebook(none), null);
  const odd = readNotebook({ cells: [null, 1, {}, { cell_type: "code", source: { a: 1 }, outputs: [null, 1, {}, { data: null }, { output_type: "error" }] }] });
  assert.equal(odd.length, 4);
});
