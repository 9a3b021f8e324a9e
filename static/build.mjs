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

/** Gzipped size in bytes and number of files of what is fetched before the first screen (design: "Budgets"). */
const FIRST_LOAD = { bytes: 100_000, files: 8 };
/** Gzipped size in bytes of everything together. */
const TOTAL_LIMIT = 200_000;

/** Starts the page of runs. Every other part needs what this one brings. */
const MAIN = "src/main.tsx";
const ACCOUNT = "src/screens/account/account.tsx";

/** The pages, each with the names of its sources in place of what is made of them. */
const PAGES = ["index.html", "account.html"];

const home = dirname(fileURLToPath(import.meta.url));
const dist = join(home, "dist");
const files = join(dist, "static-files");

await rm(dist, { recursive: true, force: true });
await mkdir(files, { recursive: true });

const result = await build({
  absWorkingDir: home,
  entryPoints: ["src/icon.svg", MAIN, ACCOUNT, "src/styles/page.css"],
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
  plugins: [{ name: "few-files", setup: shareOneFile }],
});

const { outputs } = result.metafile;
/** The file that each source which a page names became; where that only imports another, it is the other. */
const made = new Map(
  Object.entries(outputs).flatMap(([output, { entryPoint, inputs, imports }]) => {
    if (!entryPoint) return [];
    const isStub = Object.keys(inputs).length === 0 && imports.length === 1;
    return [[entryPoint, isStub ? imports[0].path : output]];
  }),
);
/** Of each page, the files that are fetched with it. */
const fetched = new Map();

for (const page of PAGES) {
  const wanted = new Set();
  const template = await readFile(join(home, page), "utf8");
  const filled = template.replace(/(?<=(?:href|src)=")src\/[^"]+/g, (source) => {
    const output = made.get(source);
    if (!output) throw new Error(`${page} refers to ${source}, which the build does not make`);
    follow(output, wanted);
    return url(output);
  });
  // Told at once, what a script imports costs no round trip of its own.
  const named = [...wanted].filter((output) => !filled.includes(url(output)));
  const links = named.map((output) => `    <link rel="modulepreload" href="${url(output)}">\n`);
  await writeFile(join(dist, page), filled.replace("  </head>", `${links.join("")}  </head>`));
  fetched.set(page, [join(dist, page), ...[...wanted].map((output) => join(home, output))]);
}

const all = [...PAGES.map((page) => join(dist, page)), ...(await listFiles(files))];
const sizes = new Map(await Promise.all(all.map(async (file) => [file, await compress(file)])));
const sum = (parts) => parts.reduce((bytes, file) => bytes + sizes.get(file), 0);
for (const [page, parts] of fetched) {
  check(`${page} and what it needs at once`, sum(parts), FIRST_LOAD.bytes, "bytes gzipped");
  check(`${page} and what it needs at once`, parts.length, FIRST_LOAD.files, "files");
}
check("static/dist", sum(all), TOTAL_LIMIT, "bytes gzipped");
const first = (sum(fetched.get("index.html")) / 1000).toFixed(1);
console.log(`static/dist: ${all.length} files, ${(sum(all) / 1000).toFixed(1)} kB gzipped, ${first} kB of it for the first screen`);

/**
 * Makes esbuild put all that MAIN brings into one file. It makes one for each set of parts that share something, and parts that
 * are fetched later share much: if each of them also imports MAIN, which is there by then, all of it is shared by the same set.
 * So does the page of accounts, which starts nothing of MAIN but leaves it ready for the page that comes after it.
 */
function shareOneFile({ onLoad, onStart }) {
  const sharing = new Set([join(home, ACCOUNT)]);
  onStart(async () => {
    const sources = join(home, "src");
    for (const name of (await readdir(sources, { recursive: true })).filter((name) => /\.tsx?$/.test(name))) {
      const text = await readFile(join(sources, name), "utf8");
      for (const [, target] of text.matchAll(/import\("([^"]+)"\)/g)) sharing.add(join(sources, dirname(name), target));
    }
  });
  onLoad({ filter: /\.tsx?$/ }, async ({ path }) => {
    if (!sharing.has(path)) return undefined;
    const contents = `${await readFile(path, "utf8")}\nimport ${JSON.stringify(join(home, MAIN))};\n`;
    return { contents, loader: path.endsWith("x") ? "tsx" : "ts", resolveDir: dirname(path) };
  });
}

/** Adds a file and all that it imports at once. */
function follow(output, wanted) {
  if (wanted.has(output)) return;
  wanted.add(output);
  for (const { path, kind } of outputs[output].imports) if (kind === "import-statement") follow(path, wanted);
}

/** The address of a file, relative to the pages. */
function url(output) {
  return relative(dist, join(home, output));
}

function check(what, size, limit, unit) {
  if (size > limit) throw new Error(`${what} has ${size} ${unit}, the limit is ${limit}`);
}

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
