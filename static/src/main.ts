import { session } from "./api.ts";
import { explainAccounts, fillSteps } from "./connect.ts";
import { byId, element } from "./dom.ts";
import { GROUPS } from "./endpoints.ts";
import type { Group } from "./endpoints.ts";
import { followServer } from "./live.ts";
import { followTheme } from "./theme.ts";
import { showUser } from "./user.ts";

const theme = byId("theme");
if (theme instanceof HTMLSelectElement) followTheme(theme);
const steps = [...byId("steps").children];
fillSteps(steps);
byId("groups").append(...GROUPS.map(groupCard));
followServer(() => void whoIsHere());
void whoIsHere().then((accounts) => {
  if (accounts && steps[0] !== undefined) explainAccounts(steps[0]);
});

/** Shows who is signed in; whether the server has accounts. Where that cannot be had, the rest of the page says why. */
async function whoIsHere(): Promise<boolean> {
  try {
    const known = await session();
    showUser(known);
    return known.accounts;
  } catch {
    return false;
  }
}

function groupCard(group: Group): HTMLElement {
  return element(
    "section",
    { class: "group" },
    element("h3", {}, group.title),
    element("p", {}, group.about),
    element(
      "ul",
      {},
      ...group.endpoints.map(([method, path]) =>
        element("li", {}, element("span", { class: "method", "data-method": method }, method), element("code", {}, path)),
      ),
    ),
  );
}
