/** The first line of a note, without the signs of Markdown that may begin it; "" where there is none. */
export function firstLine(note: string): string {
  const line = note.split("\n", 50).find((candidate) => /[^\s#>*=_-]/.test(candidate)) ?? "";
  return line.replace(/^[\s#>]+|^\s*[-*+]\s+/g, "").trim();
}
