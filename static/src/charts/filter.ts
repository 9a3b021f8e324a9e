// Which metrics are meant by words or by /a regular expression/. Pure.

/** What a filter means. */
export interface NameFilter {
  matches: (name: string) => boolean;
  /** Why it means nothing; then everything matches. */
  error: string | null;
}

/**
 * Words are parts of a name, whatever their case: all words between two commas must be in it, and `*` stands for anything in a
 * word that then is the whole name. `/…/` is a regular expression.
 */
export function nameFilter(text: string): NameFilter {
  const trimmed = text.trim();
  if (trimmed.length > 1 && trimmed.startsWith("/") && trimmed.endsWith("/")) return byExpression(trimmed.slice(1, -1));
  const choices = trimmed.split(",").map((choice) => choice.split(/\s+/).filter((word) => word !== "").map(wordTest));
  const meant = choices.filter((words) => words.length > 0);
  if (meant.length === 0) return { matches: () => true, error: null };
  return { matches: (name) => meant.some((words) => words.every((has) => has(name.toLowerCase()))), error: null };
}

function byExpression(source: string): NameFilter {
  try {
    const expression = new RegExp(source, "i");
    return { matches: (name) => expression.test(name), error: null };
  } catch {
    return { matches: () => true, error: `/${source}/ is no regular expression` };
  }
}

function wordTest(word: string): (name: string) => boolean {
  const lower = word.toLowerCase();
  if (!lower.includes("*")) return (name) => name.includes(lower);
  const parts = lower.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`);
  return (name) => pattern.test(name);
}
