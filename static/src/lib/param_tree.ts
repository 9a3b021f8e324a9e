// Params, whose names are paths with dots, as a tree; and as text for other programs. Pure.

export interface Param {
  key: string;
  value: string;
}

/** A part of a name. It has a value, parts below it, or both. */
export interface ParamNode {
  /** Its part of the name; parts that lead to nothing else are one. */
  name: string;
  /** All of the name. */
  path: string;
  value?: string;
  below: readonly ParamNode[];
  /** How many params it stands for. */
  count: number;
}

interface Part {
  value?: string;
  below: Map<string, Part>;
}

const inOrder = new Intl.Collator("en", { numeric: true });

/** Params by the dots in their names, in the order of people. */
export function paramTree(params: readonly Param[]): readonly ParamNode[] {
  return nodes(parts(params), "");
}

function parts(params: readonly Param[]): Part {
  const root: Part = { below: new Map() };
  for (const { key, value } of params) {
    let part = root;
    for (const name of key.split(".")) {
      let next = part.below.get(name);
      if (next === undefined) part.below.set(name, (next = { below: new Map() }));
      part = next;
    }
    part.value = value;
  }
  return root;
}

function nodes(part: Part, prefix: string): ParamNode[] {
  return [...part.below]
    .map(([name, below]) => node(name, prefix + name, below))
    .sort((one, other) => inOrder.compare(one.name, other.name));
}

function node(name: string, path: string, part: Part): ParamNode {
  const below = nodes(part, `${path}.`);
  const only = below[0];
  if (part.value === undefined && below.length === 1 && only !== undefined) return { ...only, name: `${name}.${only.name}` };
  const count = below.reduce((sum, child) => sum + child.count, part.value === undefined ? 0 : 1);
  return { name, path, ...(part.value !== undefined && { value: part.value }), below, count };
}

/** The params whose name or value has all the words of a search, in any case. */
export function searchParams(params: readonly Param[], search: string): readonly Param[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return params;
  return params.filter(({ key, value }) => {
    const text = `${key}\n${value}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

type Nested = { readonly [name: string]: Plain };
type Plain = string | number | boolean | null | Nested;

/** Params as JSON, nested by their dots; numbers and Python's words for truth and nothing are what they mean. */
export function paramsAsJson(params: readonly Param[]): string {
  return `${JSON.stringify(plain(parts(params)), null, 2)}\n`;
}

/** The same as YAML. */
export function paramsAsYaml(params: readonly Param[]): string {
  return yaml(plain(parts(params)), "");
}

function plain(part: Part): Nested {
  const entries: [string, Plain][] = [];
  for (const [name, { value, below }] of [...part.below].sort(([one], [other]) => inOrder.compare(one, other))) {
    if (value !== undefined) entries.push([name, meaning(value)]);
    if (below.size === 0) continue;
    const held = plain({ below });
    // A name that has a value and parts below it keeps the parts beside it: neither may be lost.
    if (value === undefined) entries.push([name, held]);
    else for (const [inner, it] of Object.entries(held)) entries.push([`${name}.${inner}`, it]);
  }
  return Object.fromEntries(entries);
}

function meaning(value: string): Plain {
  if (value === "True" || value === "true") return true;
  if (value === "False" || value === "false") return false;
  if (value === "None" || value === "null") return null;
  // Only what comes out as it went in: `007`, `1_000` and digits beyond those of a number are texts.
  return /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,2})?$/.test(value) ? Number(value) : value;
}

function yaml(value: Nested, indent: string): string {
  return Object.entries(value)
    .map(([name, held]) => {
      const key = `${indent}${yamlText(name)}:`;
      return typeof held === "object" && held !== null ? `${key}\n${yaml(held, `${indent}  `)}` : `${key} ${yamlScalar(held)}\n`;
    })
    .join("");
}

function yamlScalar(value: string | number | boolean | null): string {
  if (typeof value === "string") return yamlText(value);
  // To YAML 1.1 a number with an exponent has a point.
  return String(value).replace(/^(-?\d+)e/, "$1.0e");
}

/** What JSON may hold as it is and YAML may not, or takes for the end of a line. */
const ONLY_IN_JSON = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A text as it is where YAML cannot take it for anything else, else in JSON's quotes, which are YAML too. */
function yamlText(text: string): string {
  const safe = /^[A-Za-z_/][\w./+@ -]*$/.test(text) && !text.endsWith(" ");
  if (safe && !/^(true|false|yes|no|on|off|y|n|null|none)$/i.test(text)) return text;
  return JSON.stringify(text).replace(ONLY_IN_JSON, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
