// What is done to runs from this screen: from the line of the selection, from the menu of a row, by a key. And the windows that
// ask before that.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getRun } from "../../api/runs.ts";
import type { RunSearch } from "../../api/runs.ts";
import { copyText } from "../../lib/clipboard.ts";
import { counted } from "../../lib/format.ts";
import { attempt, notify } from "../../parts/notice.tsx";
import { BASKET_LIMIT, addToBasket } from "../../state/basket.ts";
import { address, runRoute } from "../../state/place.ts";
import { go } from "../../state/router.ts";
import { mayChange } from "../../state/session.ts";
import type { BulkActions } from "./bulk.tsx";
import type { Column } from "./columns.ts";
import { DeleteDialog, RenameDialog, TagDialog, restore } from "./dialogs.tsx";
import type { Changed, Subject } from "./dialogs.tsx";
import { runIds, saveTable } from "./export.ts";
import { PlacedMenu, cellItems } from "./row_menu.tsx";
import type { MenuItem } from "./row_menu.tsx";
import { EVERYTHING, asSelection, only } from "./selection.ts";
import type { Picked } from "./selection.ts";
import type { RowActions } from "./table.tsx";
import type { Row } from "./tree.ts";

/** As many ids as are copied at once. */
const MOST_COPIED = 10_000;

export interface DeedsProps {
  search: RunSearch | null;
  picked: Picked;
  pickAll: (wanted: boolean) => void;
  columns: readonly Column[];
  trash: boolean;
  /** The rows that are seen: what hangs together with them is known. */
  loaded: { readonly current: readonly Row[] };
  changed: Changed;
  /** Adds a clause to the search line. */
  demand: (clause: string) => void;
}

export interface Deeds extends BulkActions {
  exportAll: () => void;
  openMenu: RowActions["menu"];
  /** The menu or the window that is open. */
  overlay: JSX.Element | null;
}

type Overlay =
  | { kind: "menu"; row: Row; column: Column | undefined; at: { x: number; y: number } }
  | { kind: "delete" | "tag"; subject: Subject }
  | { kind: "rename"; run: string; name: string };

export function useDeeds(props: DeedsProps): Deeds {
  const { search, picked, columns, trash, loaded, changed } = props;
  const [overlay, show] = useState<Overlay | null>(null);
  const close = (): void => show(null);

  const withIds = (what: string, some: Picked, most: number, act: (ids: readonly string[]) => void): void => {
    if (search !== null) void attempt(what, async () => act(await runIds(some, search, most)));
  };
  const subjectOf = (some: Picked, count: number): Subject | null =>
    search && { selection: asSelection(some, search), count, ...reachOf(some, loaded.current) };
  const ask = (kind: "delete" | "tag", some: Picked): void => {
    if (search === null) return;
    const open = (count: number): void => {
      const subject = subjectOf(some, count);
      if (subject) show({ kind, subject });
    };
    if (some.all) withIds("Counting the runs", some, MOST_COPIED, (ids) => open(ids.length));
    else open(some.runs.size);
  };
  const compare = (some: Picked): void =>
    withIds("Comparing", some, BASKET_LIMIT, (runs) => {
      // A row that is a training of several attempts is compared as one.
      const asTrainings = loaded.current.some(({ run, tree }) => runs.includes(run) && tree?.kind === "training" && tree.attempts > 1);
      if (runs.length > 0) go({ screen: "compare", runs }, asTrainings ? { x: "joined" } : {});
    });
  const compareForks = (run: string): void =>
    void attempt("Comparing", async () => {
      const { forkComparison, readForkFamily } = await import("../../state/forks.ts");
      const family = await readForkFamily(run);
      if (family === null) notify("Nothing was forked from this training.");
      else location.hash = forkComparison(family);
    });
  const addAll = (some: Picked): void =>
    withIds("Adding to the basket", some, BASKET_LIMIT, (runs) => {
      addToBasket(runs);
      notify(`${counted(runs.length, "run")} put into the basket`);
    });
  const save = (some: Picked): void => {
    if (search === null) return;
    void attempt("The export", () => saveTable(some, search, columns));
  };
  // The table has only the beginning of a long name.
  const rename = (run: string): void =>
    void attempt("Renaming", async () => show({ kind: "rename", run, name: (await getRun(run)).info.run_name ?? "" }));
  const copy = (text: string, what: string): void =>
    void copyText(text).then((done) => notify(done ? `${what} copied` : `${what} could not be copied: the browser refused`));

  const changingItems = (row: Row, one: Picked): MenuItem[] =>
    trash
      ? [{ text: "Restore", act: () => void restore({ run_ids: [row.run] }, changed) }]
      : [
          { text: "Tag…", act: () => ask("tag", one) },
          { text: "Rename…", act: () => rename(row.run) },
          { text: "Delete…", act: () => ask("delete", one) },
        ];
  const rowItems = (row: Row, column: Column | undefined): MenuItem[] => {
    const one = only([row.run]);
    const link = new URL(address(runRoute(row.experiment, row.run)), location.href).href;
    return [
      { text: "Open", act: () => go(runRoute(row.experiment, row.run)) },
      { text: "Copy the link", act: () => copy(link, "Link") },
      { text: "Copy the id", act: () => copy(row.run, "Id") },
      ...(trash
        ? []
        : [
            { text: "Compare…", act: () => compare(one) },
            { text: "Add to the basket", act: () => addAll(one) },
            ...(isOfForks(row, loaded.current) ? [{ text: "Compare the origin and its forks", act: () => compareForks(row.run) }] : []),
          ]),
      { text: "Lineage", act: () => go(runRoute(row.experiment, row.run, "lineage")) },
      ...(mayChange.value ? changingItems(row, one) : []),
      ...cellItems(row, column === undefined ? columns : [column], props.demand),
    ];
  };
  return {
    compare: () => compare(picked),
    addToBasket: () => addAll(picked),
    tag: () => ask("tag", picked),
    rename: () => !picked.all && [...picked.runs].slice(0, 1).forEach(rename),
    remove: () => ask("delete", picked),
    restore: () => search && void restore(asSelection(picked, search), changed),
    exportCsv: () => save(picked),
    copyIds: () => withIds("Copying the ids", picked, MOST_COPIED, (ids) => copy(ids.join("\n"), counted(ids.length, "id"))),
    clear: () => props.pickAll(false),
    exportAll: () => save(EVERYTHING),
    openMenu: (row, column, at) => show({ kind: "menu", row, column, at }),
    overlay: overlay && overlayOf(overlay, rowItems, close, changed),
  };
}

function overlayOf(overlay: Overlay, items: (row: Row, column: Column | undefined) => MenuItem[], close: () => void, changed: Changed): JSX.Element {
  switch (overlay.kind) {
    case "menu":
      return <PlacedMenu key={`${overlay.at.x} ${overlay.at.y}`} at={overlay.at} items={items(overlay.row, overlay.column)} close={close} />;
    case "delete":
      return <DeleteDialog subject={overlay.subject} close={close} changed={changed} />;
    case "tag":
      return <TagDialog subject={overlay.subject} close={close} changed={changed} />;
    case "rename":
      return <RenameDialog run={overlay.run} name={overlay.name} close={close} changed={changed} />;
  }
}

/** Whether a run is a fork, or one that a fork among these rows may come from: a row does not say which attempts it stands for. */
function isOfForks({ run, tree }: Row, rows: readonly Row[]): boolean {
  if (tree?.fork) return tree.fork.experiment_id !== undefined;
  const origins = rows.flatMap((row) => row.tree?.fork?.run_id ?? []);
  const ofOthers = origins.some((origin) => !rows.some((row) => row.run === origin));
  return origins.includes(run) || (tree?.kind === "training" && tree.attempts > 1 && ofOthers);
}

/** What hangs together with a selection, where all of its rows are known. */
function reachOf(picked: Picked, rows: readonly Row[]): { nested: number | null; attempts: number | null } {
  const chosen = picked.all ? [] : rows.filter(({ run }) => picked.runs.has(run));
  const known = !picked.all && new Set(chosen.map(({ run }) => run)).size === picked.runs.size && chosen.every(({ tree }) => tree !== null);
  if (!known) return { nested: null, attempts: null };
  let [nested, attempts] = [0, 0];
  for (const { tree } of chosen) {
    if (tree === null) continue;
    const members = tree.kind === "training" ? tree.attempts + tree.copies + tree.prepared : 1;
    nested += tree.runs - members;
    attempts += members - 1;
  }
  return { nested, attempts };
}
