/** As `ref` of a field that has just appeared and is where people want to type. Called once, since it is always the same function. */
export function focused(field: HTMLInputElement | HTMLTextAreaElement | null): void {
  field?.focus();
  field?.select();
}
