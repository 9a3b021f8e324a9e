// Which keys somebody pressed, and what they come to. Pure; `frame/keys.ts` listens.

/** What is told of a key press; a KeyboardEvent is one. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/**
 * The name of a press in the list of shortcuts: `f`, `?`, `ArrowDown`, `Ctrl-k` (also for the command key of a Mac); null for
 * what is never a shortcut of ours.
 */
export function pressName({ key, ctrlKey, metaKey, altKey }: Press): string | null {
  if (altKey || key === "Control" || key === "Meta" || key === "Shift" || key === "Dead") return null;
  if (ctrlKey || metaKey) return key.length === 1 ? `Ctrl-${key.toLowerCase()}` : null;
  return key;
}

/** What a press comes to after another that waits for it: a shortcut, or something to wait on (`g` of `g e`), or nothing. */
export function follow(waiting: string, pressed: string, known: readonly string[]): { shortcut: string | null; waiting: string } {
  const both = waiting === "" ? pressed : `${waiting} ${pressed}`;
  if (known.includes(both)) return { shortcut: both, waiting: "" };
  if (known.some((shortcut) => shortcut.startsWith(`${both} `))) return { shortcut: null, waiting: both };
  // What leads nowhere together may still mean something alone.
  return waiting === "" ? { shortcut: null, waiting: "" } : follow("", pressed, known);
}

/** A shortcut as people read it, key by key: `["Ctrl", "K"]`, `["g", "e"]`. */
export function keyCaps(shortcut: string): readonly string[] {
  const arrows: Readonly<Record<string, string>> = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", " ": "Space", Escape: "Esc" };
  if (shortcut in arrows) return [arrows[shortcut] ?? shortcut];
  if (shortcut.startsWith("Ctrl-")) return ["Ctrl", shortcut.slice(5).toUpperCase()];
  return shortcut.split(" ");
}
