// Numbers and times as text. Pure: the present time comes in as an argument.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `1234` as `1,234`; with a plus sign when there are more than were counted. */
export function count(value: number, more: boolean): string {
  return value.toLocaleString("en") + (more ? "+" : "");
}

/** Relative within a week (`5 min ago`), else `2026-11-23 22:36` in the browser's zone. */
export function moment(timeMs: number, nowMs: number): string {
  const age = nowMs - timeMs;
  // A clock that is a little ahead of ours is not the future.
  if (age < -MINUTE_MS || age >= 7 * DAY_MS) return dateAndMinute(new Date(timeMs));
  if (age < MINUTE_MS) return "just now";
  if (age < HOUR_MS) return `${Math.floor(age / MINUTE_MS)} min ago`;
  if (age < DAY_MS) return `${Math.floor(age / HOUR_MS)} h ago`;
  const days = Math.floor(age / DAY_MS);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/** The full time with seconds and zone, for titles. */
export function fullMoment(timeMs: number): string {
  return new Date(timeMs).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
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

/** `text` as one word of a POSIX shell: as it is when that is safe, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\w.:/@%+~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function pair(length: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((length % large) / small);
  return `${Math.floor(length / large)} ${largeName} ${String(rest).padStart(2, "0")} ${smallName}`;
}

function dateAndMinute(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
