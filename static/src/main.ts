import { fillSteps } from "./connect.ts";
import { byId, element } from "./dom.ts";
import { GROUPS } from "./endpoints.ts";
import type { Group } from "./endpoints.ts";
import { followServer } from "./live.ts";
import { followTheme } from "./theme.ts";

const theme = byId("theme");
if (theme instanceof HTMLSelectElement) followTheme(theme);
fillSteps([...byId("steps").children]);
byId("groups").append(...GROUPS.map(groupCard));
followServer();

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
