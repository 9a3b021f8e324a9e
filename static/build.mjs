// Builds the UI into static/dist, laid out as the server serves it:
//
//   dist/index.html            what `/` answers
//   dist/account.html          what `/login`, `/seed` and `/tokens` answer
//   dist/static-files/*        everything they refer to; each name carries a hash of the content
//
// Beside each file lie its .br and .gz forms, so the server never compresses one itself.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";

/** Gzipped size in bytes that all pages may cost: HTML, scripts, styles and pictures together. */
const FIRST_LOAD_LIMIT = 100_000;

/** The pages, each with the names of its sources in place of what is made of them. */
const PAGES = ["index.html", "account.html"];

const home = dirname(fileURLToPath(import.meta.url));
const dist = join(home, "dist");
const files = join(dist, "static-files");

await rm(dist, { recursive: true, force: true });
await mkdir(files, { recursive: true });

const result = await build({
  absWorkingDir: home,
  entryPoints: ["src/icon.svg", "src/main.tsx", "src/account/account.ts", "src/styles/page.css", "src/account/page.css", "src/account/account.css"],
  outdir: files,
  bundle: true,
  format: "esm",
  target: "es2022",
  splitting: true,
  minify: true,
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".svg": "copy" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

/** Where each source that a page names ended up, as a URL relative to the page. */
const urls = new Map();
for (const [output, { entryPoint }] of Object.entries(result.metafile.outputs)) {
  if (entryPoint) urls.set(entryPoint, relative(dist, join(home, output)));
}

for (const page of PAGES) {
  const template = await readFile(join(home, page), "utf8");
  const filled = template.replace(/(?<=(?:href|src)=")src\/[^"]+/g, (source) => {
    const url = urls.get(source);
    if (!url) throw new Error(`${page} refers to ${source}, which the build does not make`);
    return url;
  });
  await writeFile(join(dist, page), filled);
}

const sizes = await Promise.all([...PAGES.map((page) => join(dist, page)), ...(await listFiles(files))].map(compress));
const total = sizes.reduce((sum, size) => sum + size, 0);
if (total > FIRST_LOAD_LIMIT) throw new Error(`the pages need ${total} bytes gzipped, the limit is ${FIRST_LOAD_LIMIT}`);
console.log(`static/dist: ${sizes.length} files, ${(total / 1000).toFixed(1)} kB gzipped`);

async function listFiles(folder) {
  return (await readdir(folder)).map((name) => join(folder, name));
}

/** Writes the .br and .gz forms beside a file; returns the gzipped size in bytes. */
async function compress(file) {
  const content = await readFile(file);
  const small = await promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION });
  const smallest = await promisify(brotliCompress)(content, {
    params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });
  await writeFile(`${file}.gz`, small);
  await writeFile(`${file}.br`, smallest);
  return small.length;
}
