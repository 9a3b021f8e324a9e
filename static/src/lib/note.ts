/** More is never seen of a line; and brackets that nothing closes take time by the square of their number. */
const LONGEST = 500;

/** The first line of a note as words, without most signs of Markdown; "" where there is none. */
export function firstLine(note: string): string {
  const line = note.split("\n", 50).find((candidate) => /[^\s#>*=_-]/.test(candidate)) ?? "";
  return line
    .slice(0, LONGEST)
    .replace(/^[\s#>]+|^\s*[-*+]\s+/g, "")
    .replace(/(\*\*|\*|`)(?=\S)([^*`]+)\1/g, "$2")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim();
}
