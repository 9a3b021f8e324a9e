import { render } from "preact";
import { App } from "./app.tsx";
import { followKeys } from "./frame/keys.ts";
import { followAddress } from "./state/router.ts";
import { learnSession } from "./state/session.ts";
import { followTheme } from "./state/theme.ts";

followTheme();
followAddress();
followKeys();
void learnSession();
const root = document.getElementById("app");
if (root === null) throw new Error("the page has no element #app");
render(<App />, root);
