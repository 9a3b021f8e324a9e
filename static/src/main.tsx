import { render } from "preact";
import { App } from "./app.tsx";
import { followKeys } from "./frame/keys.ts";
import { followLook } from "./state/look.ts";
import { followWidth } from "./state/narrow.ts";
import { followAddress } from "./state/router.ts";
import { followSession } from "./state/session.ts";

// The build gives the page of accounts this file too, which it shares most of: there is nothing to start there.
const root = document.getElementById("app");
if (root !== null) start(root);

function start(element: HTMLElement): void {
  followLook();
  followWidth();
  followAddress();
  followKeys();
  followSession();
  render(<App />, element);
}
