/** The longest name of a file that is offered, characters without its ending: all file systems hold that in UTF-8. */
const LONGEST = 60;

/** A name for a file of what is called so: letters, digits and `._-`, with `_` for the rest; never hidden, never empty. */
export function fileName(parts: readonly string[], ending: string): string {
  const name = parts
    .map((part) => part.normalize("NFC").replace(/[^\p{L}\p{M}\p{N}.-]+/gu, "_"))
    .join("-")
    .replace(/^[._-]+/, "");
  return `${[...name].slice(0, LONGEST).join("").replace(/[._-]+$/, "") || "windvane"}.${ending}`;
}
