// The pages of administration, and which of them are of use to whom.

import { computed } from "@preact/signals";
import { ADMIN_PAGES } from "./place.ts";
import type { AdminPage } from "./place.ts";
import { session } from "./session.ts";

/** What the pages are called. */
export const PAGE_NAMES: Readonly<Record<AdminPage, string>> = {
  users: "Users",
  tokens: "Tokens and password",
  roles: "Roles",
  trash: "Trash",
  storage: "Storage",
  server: "Versions and health",
};

/** The pages that are offered to who is here. On an open server those of accounts say how to have accounts. */
export const usefulPages = computed((): readonly AdminPage[] => {
  const known = session.value;
  if (known === undefined || known.view_of !== null) return ["trash", "server"];
  if (!known.accounts || known.user?.admin) return ADMIN_PAGES;
  return known.user === null ? ["trash", "storage", "server"] : ADMIN_PAGES.slice(1);
});
