// Tables as CSV (RFC 4180), by the rules of the server's own exports (docs/API.md). Pure.

/** What a spreadsheet takes for a formula. */
const FORMULA = /^[=+\-@\t\r\n]/;
/** A number as it is written by people and by JSON; never a formula, whatever its sign. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?Infinity$/;

/** Rows as the text of a CSV file. What is missing is an empty cell. */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  const text = String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
