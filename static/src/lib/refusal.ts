/**
 * Which of these fields a refusal of the server is about, by its words: `'password' has 5 characters`, `Invalid value … for parameter
 * 'kind'`, `Invalid name of an account`, `The name 'ada' is taken`, `There is no account or group 'x'`. Null where it is about none.
 */
export function refusedField(message: string, fields: readonly string[]): string | null {
  const found = /^Invalid (\w+) of\b|parameter '(\w+)'|^'(\w+)'|^The (\w+) '/.exec(message)?.slice(1).find((field) => field !== undefined);
  const field = message.startsWith("There is no account") ? "principal" : found;
  return field !== undefined && fields.includes(field) ? field : null;
}
