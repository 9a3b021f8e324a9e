// A choice for all cards and for single ones in one text of the address: `log`, `val_loss@log` or `log,val_loss@lin`. Pure.
//
// Metrics cannot have `@`, `,` or `+` in their names, so nothing needs to be escaped.

/** What was chosen for a card: its own choice, else that for all. */
export function choiceFor(text: string | undefined, card: string): string | undefined {
  const found = read(text);
  return found.get(card) ?? found.get("");
}

/** The text with another choice for a card, or for all where `card` is ""; undefined takes the choice back. */
export function withChoice(text: string | undefined, card: string, choice: string | undefined): string {
  const found = read(text);
  if (choice === undefined) found.delete(card);
  else found.set(card, choice);
  return [...found].map(([name, value]) => (name === "" ? value : `${name}@${value}`)).join(",");
}

function read(text: string | undefined): Map<string, string> {
  const items = (text ?? "").split(",").filter((item) => item !== "");
  return new Map(
    items.map((item) => {
      const mark = item.lastIndexOf("@");
      return [item.slice(0, Math.max(0, mark)), item.slice(mark + 1)];
    }),
  );
}
