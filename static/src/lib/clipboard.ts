/** Copies a text; whether that worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** No clipboard outside https and localhost, where a cluster's address usually is. The old way works there. */
function copyBySelection(text: string): boolean {
  const held = document.createElement("textarea");
  held.value = text;
  held.setAttribute("readonly", "");
  held.className = "unseen";
  // Inside an open dialog only what is in it can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(held);
  const focused = document.activeElement;
  held.select();
  const done = document.execCommand("copy");
  held.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
