// Numbers and times as text. Pure but for how many digits are wanted: the present time comes in as an argument.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// Made once: making one takes longer than a hundred uses of it.
const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const MOMENT = { dateStyle: "medium", timeStyle: "long" } as const;
const IN_ZONE = new Intl.DateTimeFormat("en-GB", MOMENT);
const IN_UTC = new Intl.DateTimeFormat("en-GB", { ...MOMENT, timeZone: "UTC" });

/** `1234` as `1,234`; with a plus sign when there are more than were counted. */
export function count(value: number, more: boolean): string {
  return GROUPED.format(value) + (more ? "+" : "");
}

/** Significant digits of numbers, unless somebody chose otherwise. */
export const STANDARD_DIGITS = 5;

let wantedDigits = (): number => STANDARD_DIGITS;

/** From now on numbers have as many significant digits as `wanted` says. */
export function showDigits(wanted: () => number): void {
  wantedDigits = wanted;
}

/**
 * Five significant digits, or as many as were chosen, with an exponent outside 1e-4 … 1e6, and never `0` for what is not 0. Texts
 * are numbers that JSON lacks; `Infinity` becomes `∞`.
 */
export function number(value: number | string): string {
  const known = Number(value);
  if (Number.isNaN(known)) return "NaN";
  if (!Number.isFinite(known)) return known > 0 ? "∞" : "−∞";
  if (known === 0) return "0";
  const size = Math.abs(known);
  const wanted = wantedDigits();
  if (size < 1e-4 || size >= 1e6) {
    const [digits = "", exponent = ""] = known.toExponential(wanted - 1).split("e");
    return minus(`${trimmed(digits)}e${exponent.replace("+", "")}`);
  }
  const digits = known.toPrecision(wanted);
  // More digits before the point than are wanted: all of them, since an exponent comes later.
  return minus(digits.includes("e") ? known.toFixed(0) : trimmed(digits));
}

/** A step or another whole number: all its digits, in groups of three. */
export function whole(value: number): string {
  return minus(GROUPED.format(value));
}

/** `0 B`, `812 B`, `4.2 kB`, `19 MB`, `1.5 TB`: powers of a thousand, two digits. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value).toString();
  return `${digits} ${units[unit] ?? ""}`;
}

/** `1 run`, `2 runs`, `1,234 runs`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${whole(value)} ${value === 1 ? one : many}`;
}

/** Relative within a week (`5 min ago`), else `2026-11-23 22:36`, in the browser's zone or in UTC. */
export function moment(timeMs: number, nowMs: number, utc = false): string {
  const age = nowMs - timeMs;
  // A clock that is a little ahead of ours is not the future.
  if (age < -MINUTE_MS || age >= 7 * DAY_MS) return dateAndMinute(new Date(timeMs), utc);
  if (age < MINUTE_MS) return "just now";
  if (age < HOUR_MS) return `${Math.floor(age / MINUTE_MS)} min ago`;
  if (age < DAY_MS) return `${Math.floor(age / HOUR_MS)} h ago`;
  const days = Math.floor(age / DAY_MS);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/** The full time with seconds and zone, for titles. */
export function fullMoment(timeMs: number, utc = false): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? "Invalid Date" : (utc ? IN_UTC : IN_ZONE).format(date);
}

/** `2026-11-23 22:36:07`, in the browser's zone or in UTC: times that are compared. */
export function second(timeMs: number, utc = false): string {
  return told(new Date(timeMs), utc, /\.\d+Z$/);
}

/** `14:03`, in the browser's zone or in UTC. */
export function clockTime(timeMs: number, utc = false): string {
  return dateAndMinute(new Date(timeMs), utc).slice(-5);
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 04 h`. A negative length, from clocks that disagree, is 0. */
export function duration(lengthMs: number): string {
  const length = Math.max(0, lengthMs);
  if (length < 10 * SECOND_MS) return `${(length / SECOND_MS).toFixed(1)} s`;
  if (length < MINUTE_MS) return `${Math.floor(length / SECOND_MS)} s`;
  if (length < HOUR_MS) return pair(length, MINUTE_MS, "min", SECOND_MS, "s");
  if (length < DAY_MS) return pair(length, HOUR_MS, "h", MINUTE_MS, "min");
  return pair(length, DAY_MS, "d", HOUR_MS, "h");
}

/** A reason as a sentence: it begins large and ends with a full stop. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** `text` as one word of a POSIX shell: as it is when that is safe, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\w.:/@%+~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The most characters that stay of a path where there is no room for all of it. */
const MOST_KEPT = 28;

/** How many characters at the end of a path tell most of it: its last two names, or as much of them as fits. */
export function tailOfPath(path: string): number {
  const names = /[^/]+(\/[^/]+)?\/*$/.exec(path)?.[0] ?? path;
  // With the slash before them.
  return Math.min([...names].length + 1, MOST_KEPT);
}

/** Without the zeros at the end that say nothing. */
function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

function minus(digits: string): string {
  return digits.replaceAll("-", "−");
}

function pair(length: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((length % large) / small);
  return `${Math.floor(length / large)} ${largeName} ${String(rest).padStart(2, "0")} ${smallName}`;
}

function dateAndMinute(date: Date, utc: boolean): string {
  return told(date, utc, /:\d\d\.\d+Z$/);
}

/** A time as ISO 8601 has it, but for what is `beyond`. */
function told(date: Date, utc: boolean, beyond: RegExp): string {
  // What UTC shows at this time is what the zone shows at the time moved by its offset.
  const shown = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * MINUTE_MS);
  // Clients may log any 64-bit time; beyond what a Date holds there is no text for it.
  return Number.isNaN(shown.getTime()) ? "unknown" : shown.toISOString().replace(beyond, "").replace("T", " ");
}
