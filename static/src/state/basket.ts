// The basket: a set of runs from any experiments, kept over screens and visits.

import { isTexts, kept } from "./kept.ts";

/** As many as a comparison takes. */
export const BASKET_LIMIT = 100;

/** The ids of its runs, in the order in which they were put in. */
export const basket = kept<readonly string[]>("basket", [], isTexts);

/** Puts runs in; those that are there stay where they are, and what does not fit is left out. */
export function addToBasket(runs: readonly string[]): void {
  basket.value = [...new Set([...basket.value, ...runs])].slice(0, BASKET_LIMIT);
}

export function takeFromBasket(runs: readonly string[]): void {
  basket.value = basket.value.filter((run) => !runs.includes(run));
}

export function clearBasket(): void {
  basket.value = [];
}
