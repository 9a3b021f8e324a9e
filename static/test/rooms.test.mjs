// Who may import whom (docs/ARCHITECTURE.md, "Web pages").

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import test from "node:test";

// Bundled elsewhere, so the place of this file says nothing; `npm test` runs in `static`.
const SOURCES = resolve("src");

/** What each room may import from, beside itself. */
const MAY = {
  api: [],
  lib: ["api"],
  state: ["api", "lib"],
  parts: ["api", "lib", "state"],
  frame: ["api", "lib", "state", "parts"],
  charts: ["api", "lib", "state", "parts", "frame"],
  screens: ["api", "lib", "state", "parts", "frame", "charts"],
};

test("each room imports only from those below it", () => {
  const wrong = [];
  let imports = 0;
  for (const file of readdirSync(SOURCES, { recursive: true }).filter((name) => /\.tsx?$/.test(name))) {
    const from = room(file);
    for (const [, target] of readFileSync(join(SOURCES, file), "utf8").matchAll(/(?:from|import) ?\(?"(\.[^"]*)"/g)) {
      const to = room(relative(SOURCES, resolve(SOURCES, dirname(file), target)));
      imports += 1;
      if (from !== "" && to !== from && !mayImport(from, to)) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.ok(imports > 300, `${imports} imports were found`);
  assert.deepEqual(wrong, []);
});

/** The folder that a file belongs to, a screen's own for screens; "" for those at the top. */
function room(file) {
  const parts = file.split(sep);
  if (parts.length === 1) return "";
  return parts[0] === "screens" && parts.length > 2 ? `screens/${parts[1]}` : parts[0];
}

function mayImport(from, to) {
  return (MAY[from.split("/")[0]] ?? []).includes(to);
}
