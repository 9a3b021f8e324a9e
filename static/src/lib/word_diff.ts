// What differs between two texts, word by word. Pure.

/** A stretch of words that both texts have, or only one of them. */
export interface Stretch {
  kind: "same" | "before" | "after";
  text: string;
}

/** A number, a word, a run of spaces, or any other character by itself. */
const WORDS = /\d+(?:\.\d+)*(?:[eE][+-]?\d+)?|[\p{L}\p{M}_][\p{L}\p{M}\p{N}_]*|\s+|[^]/gu;

/** What a commit, or a sum over a file, looks like: digits with at least one letter, and nothing else. A number is none. */
const HASH = /^(?!\d+(?:e\d+)?$)[\da-f]{7,}$/i;

/** Words of one text times words of the other; above it what lies between their common ends is told as replaced. */
const MOST_PAIRS = 4_000_000;

/** The stretches of two texts in order: with those of one kind left out they are the other text. */
export function wordDiff(before: string, after: string): readonly Stretch[] {
  const isHash = HASH.test(before) && HASH.test(after);
  const parts = (text: string): readonly string[] => (isHash ? [...text] : (text.match(WORDS) ?? []));
  const [one, other] = [parts(before), parts(after)];
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  // Of hashes a few digits that happen to be the same say nothing, neither at their ends nor between them.
  if (isHash && start + end < shorter / 2) start = end = 0;
  const inner = (words: readonly string[]): readonly string[] => (isHash ? [words.slice(start, words.length - end).join("")] : words.slice(start, words.length - end));

  const found: Stretch[] = [];
  put(found, "same", one.slice(0, start));
  middle(found, inner(one), inner(other));
  put(found, "same", one.slice(one.length - end));
  return found;
}

/** By the longest common subsequence of their words. */
function middle(found: Stretch[], one: readonly string[], other: readonly string[]): void {
  if (one.length * other.length > MOST_PAIRS) {
    put(found, "before", one);
    put(found, "after", other);
    return;
  }
  const width = other.length + 1;
  // `common[i * width + j]`: how many words the rests from `one[i]` and from `other[j]` have in common.
  const common = new Uint16Array((one.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = one[i] === other[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  let i = 0;
  let j = 0;
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) {
      put(found, "same", one.slice(i, i + 1));
      i += 1;
      j += 1;
    } else if (i < one.length && (j === other.length || at(i + 1, j) >= at(i, j + 1))) {
      put(found, "before", one.slice(i, i + 1));
      i += 1;
    } else {
      put(found, "after", other.slice(j, j + 1));
      j += 1;
    }
  }
}

/** Appends words; those of one kind that follow each other are one stretch. */
function put(found: Stretch[], kind: Stretch["kind"], words: readonly string[]): void {
  const text = words.join("");
  const last = found.at(-1);
  if (text === "") return;
  if (last?.kind === kind) last.text += text;
  else found.push({ kind, text });
}
