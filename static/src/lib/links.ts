const SCHEMES: readonly string[] = ["http:", "https:", "mailto:"];

/** Where a link that somebody wrote leads, if one may follow it: to the web or to a mailbox, never to a script or a file. */
export function safeLink(written: string): string | null {
  try {
    const url = new URL(written);
    return SCHEMES.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
