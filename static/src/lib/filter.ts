// The text of a filter, as far as pages change it by themselves: quoting, and clauses between AND. What a filter means is for
// the server's parser to say.

/** What stands between two ANDs, and where. */
export interface Clause {
  text: string;
  from: number;
  to: number;
}

/** What names may have without quotes, as in `src/search/lexer.rs`. */
const BARE = /^[\p{Alphabetic}\p{N}_\-./:]+$/u;

/** A metric, param or tag as a field of a filter; null if no quotes can hold its name. */
export function field(entity: "metrics" | "params" | "tags", key: string): string | null {
  if (BARE.test(key)) return `${entity}.${key}`;
  const quote = ["`", '"'].find((candidate) => !key.includes(candidate));
  return quote === undefined ? null : `${entity}.${quote}${key}${quote}`;
}

/** A text as a value of a filter; null if no quotes can hold it. */
export function quoted(value: string): string | null {
  const quote = ["'", '"'].find((candidate) => !value.includes(candidate));
  return quote === undefined ? null : quote + value + quote;
}

/** The clauses of a filter. An AND inside quotes is none. */
export function clauses(filter: string): Clause[] {
  const found: Clause[] = [];
  let from = 0;
  const end = (to: number): void => {
    const text = filter.slice(from, to);
    const start = from + (text.length - text.trimStart().length);
    if (text.trim() !== "") found.push({ text: text.trim(), from: start, to: start + text.trim().length });
  };
  for (const { 0: piece, index } of filter.matchAll(/(['"`])[^]*?(?:\1|$)|(?<![^\s)'"`])and(?![^\s('"`])/gi)) {
    if (piece.length !== 3 || piece.toLowerCase() !== "and") continue;
    end(index);
    from = index + piece.length;
  }
  end(filter.length);
  return found;
}

/** The filter with one more clause, unless it has it. */
export function withClause(filter: string, clause: string): string {
  const present = clauses(filter).map(({ text }) => text);
  return present.includes(clause) ? filter.trim() : [...present, clause].join(" AND ");
}

/** The filter without the clauses that `unwanted` is true for. */
export function withoutClauses(filter: string, unwanted: (clause: string) => boolean): string {
  return clauses(filter)
    .map(({ text }) => text)
    .filter((text) => !unwanted(text))
    .join(" AND ");
}

/** `field = 'value'` in its parts; null for a clause of any other form. */
export function equality(clause: string): { field: string; not: boolean; value: string } | null {
  const [, name, sign, , value] = /^(\S+?)\s*(!?=)\s*(['"])([^]*)\3$/.exec(clause) ?? [];
  return name === undefined || value === undefined ? null : { field: canonical(name), not: sign === "!=", value };
}

/** The metrics, params and tags that the clauses of a filter are about, as far as they begin with one. */
export function namesIn(filter: string): { kind: "metric" | "param" | "tag"; key: string }[] {
  return clauses(filter).flatMap(({ text }) => {
    const [, entity = "", , inQuotes, bare] = /^(metric|param|tag)[a-z]*\.(?:([`"])([^]*?)\2|([^\s=<>!]+))/i.exec(text) ?? [];
    const key = inQuotes ?? bare ?? "";
    const kind = (["metric", "param", "tag"] as const).find((one) => one === entity.toLowerCase());
    return kind === undefined || key === "" ? [] : [{ kind, key }];
  });
}

/** The words of a text that is no filter but says what the name of a run contains; null for a filter, and for nothing. */
export function plainWords(text: string): string[] | null {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const isFilter = /[=<>!~'"`()]/.test(text) || /\bis\s+(not\s+)?null\b/i.test(text) || words.some(startsField);
  return words.length === 0 || isFilter ? null : words;
}

/** The filter that a text means: itself, or that the names of runs contain its words. */
export function meaning(text: string): string {
  const words = plainWords(text);
  return words === null ? text.trim() : words.map((word) => `attributes.run_name ILIKE '%${word}%'`).join(" AND ");
}

function startsField(word: string): boolean {
  return /^(metrics?|param(eter)?s?|tags?|attr(ibutes?)?|run|datasets?)\./i.test(word);
}

/** An attribute has several names in a filter. */
function canonical(name: string): string {
  return name.replace(/^(attributes?|attr|run)\./i, "attributes.").replace(/^(status|user_id|run_name|run_id)$/i, "attributes.$1");
}
