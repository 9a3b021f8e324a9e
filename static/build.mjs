// Builds the UI into static/dist, laid out as the server serves it:
//
//   dist/index.html            what `/` answers
//   dist/account.html          what `/login`, `/seed` and `/tokens` answer
//   dist/static-files/*        everything they refer to; each name carries a hash of the content
//
// Beside each file lie its .br and .gz forms, so the server never compresses one itself.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

/** Gzipped size in bytes and number of files of what is fetched before the first screen (design: "Budgets"). */
const FIRST_LOAD = { bytes: 100_000, files: 8 };
/** Gzipped size in bytes of all scripts that show pages, and of the one that writes reports: most of it is a script of theirs. */
const SCRIPTS_LIMIT = 200_000;
const REPORT_LIMIT = 20_000;

/** A script of fewer bytes, not compressed, is small. */
const SMALL = 4_000;

/** Starts the page of runs. Every other part needs what this one brings. */
const MAIN = "src/main.tsx";
/** What stands in the files of reports: the page has both as texts. */
const REPORT = ["src/charts/report/report.ts", "src/charts/report/report.css"];
const WRITER = "src/charts/report/write.ts";
const ACCOUNT = "src/screens/account/account.tsx";

/** The pages, each with the names of its sources in place of what is made of them. */
const PAGES = ["index.html", "account.html"];

const home = dirname(fileURLToPath(import.meta.url));
const dist = join(home, "dist");
const files = join(dist, "static-files");

await rm(dist, { recursive: true, force: true });
await mkdir(files, { recursive: true });

const options = {
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
  plugins: [
    { name: "few-files", setup: shareOneFile },
    { name: "lexer", setup: bringLexer },
    { name: "report", setup: bringReport },
  ],
};
/** Sources that MAIN brings although it does not use them. */
let brought = [];
brought = smallShared((await build({ ...options, write: false })).metafile);
const { outputs } = (await build(options)).metafile;
for (const output of Object.keys(outputs).filter((name) => name.endsWith(".js"))) {
  const file = join(home, output);
  await writeFile(file, await squeezed(await readFile(file, "utf8")));
}
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
const writer = Object.keys(outputs).filter((output) => outputs[output].entryPoint === WRITER).map((output) => join(home, output));
const scripts = all.filter((file) => file.endsWith(".js") && !writer.includes(file));
check("All scripts that show pages", sum(scripts), SCRIPTS_LIMIT, "bytes gzipped");
check("What writes reports", sum(writer), REPORT_LIMIT, "bytes gzipped");
const kB = (parts) => `${(sum(parts) / 1000).toFixed(1)} kB`;
console.log(`static/dist: ${all.length} files, ${kB(all)} gzipped: ${kB(fetched.get("index.html"))} for the first screen, ${kB(scripts)} all scripts of pages, ${kB(writer)} what writes reports`);

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
    const isMain = path === join(home, MAIN);
    if (!isMain && !sharing.has(path)) return undefined;
    const bringers = isMain ? brought : [MAIN];
    const imports = bringers.map((name) => `import ${JSON.stringify(join(home, name))};\n`).join("");
    const contents = `${await readFile(path, "utf8")}\n${imports}`;
    return { contents, loader: path.endsWith("x") ? "tsx" : "ts", resolveDir: dirname(path) };
  });
}

/** The sources of small files that only parts share which are fetched later: a file of its own costs more than it holds. */
function smallShared({ outputs }) {
  const isSmall = ([name, { bytes, entryPoint }]) => name.endsWith(".js") && entryPoint === undefined && bytes < SMALL;
  return Object.entries(outputs).filter(isSmall).flatMap(([, { inputs }]) => Object.keys(inputs).filter((input) => input.startsWith("src/")));
}

/** Takes of marked only what reads Markdown: what it makes HTML with is kept by an object that nobody asks for. */
function bringLexer({ onLoad }) {
  onLoad({ filter: /[/\\]marked\.esm\.js$/ }, async ({ path }) => {
    const text = await readFile(path, "utf8");
    const lexer = /[{,](\w+) as Lexer[,}]/.exec(text)?.[1];
    const rest = text.search(/var \w+=new \w+;function \w+\(\w+,\w+\)\{return \w+\.parse\(/);
    if (lexer === undefined || rest < 0) throw new Error("marked is not written as it was; see what bringLexer takes of it");
    return { contents: `${text.slice(0, rest)}export { ${lexer} as Lexer };` };
  });
}

/** Makes `report:text` of the script and the style of reports, each with the hash by which the policy of a report allows it. */
function bringReport({ onResolve, onLoad }) {
  onResolve({ filter: /^report:text$/ }, ({ path }) => ({ path, namespace: "report" }));
  onLoad({ filter: /.*/, namespace: "report" }, async () => {
    const options = { bundle: true, minify: true, write: false, target: "es2022", legalComments: "none", absWorkingDir: home, outdir: files };
    const { outputFiles, metafile } = await build({ ...options, entryPoints: REPORT, format: "iife", metafile: true });
    const [code, rules] = ["js", "css"].map((ending) => outputFiles.find(({ path }) => path.endsWith(`.${ending}`)).text.trim());
    const [script, style] = [await squeezed(code), rules].map((text) => {
      if (/<\/s(?:cript|tyle)|<!--|\r/i.test(text)) throw new Error("a script or style of reports would end before its end");
      return { text, hash: `sha256-${createHash("sha256").update(text).digest("base64")}` };
    });
    const watchFiles = Object.keys(metafile.inputs).map((input) => join(home, input));
    return { contents: `export const script = ${JSON.stringify(script)}, style = ${JSON.stringify(style)};`, watchFiles };
  });
}

/**
 * A script in fewer bytes than esbuild makes of it, by some three in a hundred when both are compressed. To read a signal is to
 * follow it, so getters are not pure: a read that is moved into a branch is one that never happens.
 */
async function squeezed(code) {
  return (await minify(code, { module: true, ecma: 2020, compress: { passes: 3, unsafe_arrows: true, pure_getters: false } })).code;
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
