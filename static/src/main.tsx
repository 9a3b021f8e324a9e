import { render } from "preact";
import { App } from "./app.tsx";
import { followKeys } from "./frame/keys.ts";
import { followAddress } from "./state/router.ts";
import { learnSession } from "./state/session.ts";
import { followTheme } from "./state/theme.ts";

// The build gives the page of accounts this file too, which it shares most of: there is nothing to start there.
const root = document.getElementById("app");
if (root !== null) start(root);

function start(element: HTMLElement): void {
  followTheme();
  followAddress();
  followKeys();
  render(<App />, element);
  void learnSession();
}
