// Lists of names in an address. Pure.

/** The items between the commas of a list; a comma in quotes is part of an item. */
export function splitList(text: string): string[] {
  return (text.match(/(?:`[^`]*`|"[^"]*"|[^,`"])+/g) ?? []).map((item) => item.trim()).filter((item) => item !== "");
}
