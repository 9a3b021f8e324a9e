// The link of what is shown: as it is, short, or kept under a name. What the menus hold is loaded when one is opened.

import type { JSX } from "preact";
import { copyText } from "../lib/clipboard.ts";
import { hasViews } from "../state/session.ts";
import { Icon } from "./basics.tsx";
import { lazy } from "./lazy.tsx";
import { Menu } from "./menu.tsx";
import { notify } from "./notice.tsx";

/** The longest address that is copied as it is, characters: some programs cut what is longer. */
const LONGEST = 2_000;

const views = () => import("./views.tsx");
const ShareItems = lazy("The menu", async () => (await views()).ShareItems);
const SavedViews = lazy("The saved views", async () => (await views()).SavedViews);

/** Copies the link of this page; one that is too long for other programs is made short, where that can be done. */
export async function copyLink(): Promise<void> {
  const link = location.href;
  const isShort = link.length > LONGEST && hasViews.value && (await views().then(({ copyShort }) => copyShort()).then(() => true, () => false));
  if (!isShort) await copied("link", link);
}

/** Copies a link and says so; where the browser lets no page copy, says the link. */
export async function copied(what: string, link: string): Promise<void> {
  notify((await copyText(link)) ? `The ${what} is copied.` : `The browser does not let the page copy the ${what}: ${link}`);
}

/** The experiment in whose list a view stands. */
interface Place {
  experiment?: string | undefined;
}

/** What can be done with the link of this screen. */
export function Share({ experiment }: Place): JSX.Element {
  return (
    <Menu label={<><Icon name="copy" /> Share</>} align="end">
      {(close) => <ShareItems experiment={experiment} close={close} />}
    </Menu>
  );
}

/** The saved views of an experiment, or where none is named of all. */
export function Views({ experiment }: Place): JSX.Element | null {
  if (!hasViews.value) return null;
  return (
    <Menu label={<>Views <Icon name="down" /></>} align="end">
      {(close) => <SavedViews experiment={experiment} close={close} />}
    </Menu>
  );
}
