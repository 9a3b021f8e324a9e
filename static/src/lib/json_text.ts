/** What a text holds as JSON, or why it is none. Data only: nothing in it is ever run or becomes the parent of an object. */
export function readJson(text: string): { value: unknown } | { mistake: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (cause) {
    return { mistake: cause instanceof RangeError ? "it is nested too deep" : "a browser cannot read it" };
  }
}

/** JSON that can stand in a script of a page: nothing in it ends that, or begins a comment. */
export function jsonForPage(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
