// Runs the unit tests of the UI's pure parts: bundles test/*.test.mjs with the TypeScript they import, then starts
// node's own test runner on the bundles.

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const home = dirname(fileURLToPath(import.meta.url));
const tests = (await readdir(join(home, "test"))).filter((name) => name.endsWith(".test.mjs"));
const bundles = await mkdtemp(join(tmpdir(), "windvane-ui-test-"));
try {
  await build({
    absWorkingDir: home,
    entryPoints: tests.map((name) => join("test", name)),
    outdir: bundles,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    // What `build.mjs` makes; no test runs what needs it.
    external: ["report:text"],
    sourcemap: "inline",
    logLevel: "warning",
  });
  const paths = tests.map((name) => join(bundles, name));
  const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...paths], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  await rm(bundles, { recursive: true, force: true });
}
