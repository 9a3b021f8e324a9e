// Names as a tree, split at `/` and `.`, for choosing columns. Pure.

import type { Column } from "./columns.ts";

/** A column that can be chosen. */
export interface Choice {
  column: Column;
  /** The parts of its name. */
  parts: readonly string[];
  differs: boolean;
  /** What is told beside it. */
  about: string;
}

/** A part of names. It is a choice, has parts below it, or both. */
export interface Branch {
  name: string;
  path: string;
  choice?: Choice;
  branches: readonly Branch[];
  /** All choices in it. */
  choices: readonly Choice[];
}

const inOrder = new Intl.Collator("en", { numeric: true });

/** The parts of a name; separators go to the part that they end. */
export function partsOf(name: string): string[] {
  return name.match(/[^/.]*[/.]|[^/.]+/g) ?? [name];
}

/** The tree of some choices; parts that lead to one thing only are one part. */
export function branchesOf(choices: readonly Choice[], depth = 0, path = ""): Branch[] {
  const groups = new Map<string, Choice[]>();
  for (const choice of choices) {
    const part = choice.parts[depth];
    if (part === undefined) continue;
    const group = groups.get(part);
    if (group) group.push(choice);
    else groups.set(part, [choice]);
  }
  return [...groups].map(([part, group]) => branchOf(part, group, depth, path)).sort((one, other) => inOrder.compare(one.name, other.name));
}

function branchOf(part: string, group: readonly Choice[], depth: number, above: string): Branch {
  const path = above + part;
  const own = group.find(({ parts }) => parts.length === depth + 1);
  const branches = branchesOf(group, depth + 1, path);
  const [single] = branches;
  if (own === undefined && branches.length === 1 && single) return { ...single, name: part + single.name };
  return { name: part, path, ...(own && { choice: own }), branches, choices: group };
}

/** The choices that have all words of a search in their names, in any case. */
export function found(choices: readonly Choice[], search: string, onlyDiffering: boolean): readonly Choice[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return choices.filter(({ parts, differs }) => {
    const name = parts.join("").toLowerCase();
    return (differs || !onlyDiffering) && words.every((word) => name.includes(word));
  });
}
