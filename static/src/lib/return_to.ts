/** Where to go when nothing else is asked for, or what is asked for is not one of our pages. */
const FRONT = "./";

/** Visible ASCII without the backslash, which some browsers read as a slash. */
const PLAIN = /^[!-[\]-~]*$/;
/** A name between slashes: characters that mean the same everywhere, and no dots that lead upwards. */
const SEGMENT = /^(?!\.{1,2}$)[\w.~-]+$/;

/**
 * The page to go to after signing in, out of a query that anybody may have written.
 *
 * Only a path below this page's own folder is followed, or a screen of the first page (`./#/experiments/1`): what stands behind
 * its `#` is read by that page alone. All that could name another host, or be read as such by one browser or the other (`//`,
 * `\`, a scheme, percent signs, line ends), leads to the first page. So does what leaves the folder: on a portal, other people's
 * pages are there.
 */
export function returnPath(asked: string | null): string {
  if (asked === null || !PLAIN.test(asked)) return FRONT;
  if (asked.startsWith(`${FRONT}#/`)) return asked;
  const path = asked.replace(/[?#].*$/s, "").replace(/\/$/, "");
  return path.split("/").every((segment) => SEGMENT.test(segment)) ? asked : FRONT;
}
