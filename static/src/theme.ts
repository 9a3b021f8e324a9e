/** Where the browser keeps the choice; absent means: as the system. */
const KEY = "windvane.theme";

/** Follows the choice kept in this browser, and the select box from then on. */
export function followTheme(select: HTMLSelectElement): void {
  select.value = remembered();
  apply(select.value);
  select.addEventListener("change", () => {
    apply(select.value);
    remember(select.value);
  });
}

function apply(theme: string): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

// A browser that blocks site data throws at every access; the theme then lasts as long as the page.
function remembered(): string {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

function remember(theme: string): void {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Nothing to do: see above.
  }
}
