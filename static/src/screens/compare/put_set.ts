import { BASKET_LIMIT } from "../../state/basket.ts";
import { reroute } from "../../state/router.ts";

/** Compares other runs; what else the address says stays. */
export function putSet(runs: readonly string[]): void {
  reroute({ screen: "compare", runs: [...new Set(runs)].slice(0, BASKET_LIMIT) });
}
