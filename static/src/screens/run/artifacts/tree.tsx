import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Run } from "../../../api/runs.ts";
import { folderOf, joined } from "../../../lib/artifact_kind.ts";
import { size, whole } from "../../../lib/format.ts";
import { Icon, Name } from "../../../parts/basics.tsx";
import { address, runRoute } from "../../../state/place.ts";
import type { Folders } from "./folders.ts";

/** A line of the tree: something in a folder, or what is said of a folder that is not all there. */
type Row = { level: number; path: string; name: string } & (
  | { kind: "folder"; open: boolean }
  | { kind: "file"; bytes: number | undefined }
  | { kind: "more"; folder: string }
  | { kind: "said"; words: string }
);

/** The folders and files of a run, as deep as somebody looked. Arrow keys walk through it; only one line takes the tab key. */
export function Tree({
  run,
  path,
  folders,
  open,
  setOpen,
}: {
  run: Run;
  path: string;
  folders: Folders;
  open: ReadonlySet<string>;
  setOpen: (open: ReadonlySet<string>) => void;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const rows = visibleRows(folders, open, "", 1);
  const [walked, walk] = useState<string | null>(null);
  const current = [walked, path].find((wanted) => wanted !== null && rows.some((row) => row.path === wanted)) ?? rows[0]?.path;

  const toggle = (folder: string, wanted: boolean): void => {
    const next = new Set(open);
    if (wanted) next.add(folder);
    else next.delete(folder);
    setOpen(next);
  };
  const focusOn = (row: Row | undefined): void => {
    if (row === undefined) return;
    walk(row.path);
    const place = rows.indexOf(row);
    box.current?.querySelectorAll<HTMLElement>("[role=treeitem]").item(place)?.focus();
  };
  const press = (event: KeyboardEvent, row: Row): void => {
    const place = rows.indexOf(row);
    switch (event.key) {
      case "ArrowDown":
        focusOn(rows[place + 1]);
        break;
      case "ArrowUp":
        focusOn(rows[place - 1]);
        break;
      case "Home":
        focusOn(rows[0]);
        break;
      case "End":
        focusOn(rows.at(-1));
        break;
      case "ArrowRight":
        if (row.kind === "folder" && !row.open) toggle(row.path, true);
        else focusOn(rows[place + 1]);
        break;
      case "ArrowLeft":
        if (row.kind === "folder" && row.open) toggle(row.path, false);
        else focusOn(rows.find((other) => other.path === folderOf(row.path) && other.kind === "folder"));
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  return (
    <div class="tree" role="tree" aria-label="Artifacts" ref={box}>
      {rows.map((row) => {
        const shared = {
          role: "treeitem" as const,
          "aria-level": row.level,
          tabIndex: row.path === current ? 0 : -1,
          style: { paddingLeft: `${row.level * 16 - 8}px` },
          onKeyDown: (event: KeyboardEvent) => press(event, row),
          onFocus: () => walk(row.path),
        };
        switch (row.kind) {
          case "folder":
            return (
              <a
                key={row.path}
                {...shared}
                href={place(run, row.path)}
                aria-expanded={row.open}
                aria-selected={row.path === path}
                onClick={() => toggle(row.path, row.path === path ? !row.open : true)}
              >
                <Icon name={row.open ? "down" : "right"} />
                <Icon name="folder" />
                <Name text={row.name} tail={10} />
              </a>
            );
          case "file":
            return (
              <a key={row.path} {...shared} href={place(run, row.path)} aria-selected={row.path === path}>
                <span class="icon" />
                <Icon name="file" />
                <Name text={row.name} tail={10} />
                <span class="bytes">{row.bytes === undefined ? "" : size(row.bytes)}</span>
              </a>
            );
          case "more":
            return (
              <button key={row.path} type="button" class="quiet" {...shared} onClick={() => folders.more(row.folder)}>
                {row.name}
              </button>
            );
          case "said":
            return (
              <span key={row.path} {...shared}>
                <span class="hint">{row.words}</span>
              </span>
            );
        }
      })}
    </div>
  );
}

function place(run: Run, path: string): string {
  return address(runRoute(run.info.experiment_id, run.info.run_id, "artifacts", path));
}

/** Paths of files never end with a slash, so what is said of a folder can be named by its path and one. */
function visibleRows(folders: Folders, open: ReadonlySet<string>, folder: string, level: number): Row[] {
  const listed = folders.known.get(folder);
  if (listed === undefined) return [];
  const rows: Row[] = listed.files.flatMap((entry): Row[] => {
    const path = joined(folder, entry.name);
    if (!entry.is_dir) return [{ kind: "file", level, path, name: entry.name, bytes: entry.size_bytes }];
    const isOpen = open.has(path);
    const row: Row = { kind: "folder", level, path, name: entry.name, open: isOpen };
    return isOpen ? [row, ...visibleRows(folders, open, path, level + 1)] : [row];
  });
  const path = `${folder}/`;
  const left = listed.total - listed.files.length;
  if (listed.failure) rows.push({ kind: "more", level, path, folder, name: `Failed: ${listed.failure.message} – Retry` });
  else if (listed.waiting) rows.push({ kind: "said", level, path, name: "", words: "Loading…" });
  else if (listed.next !== undefined) rows.push({ kind: "more", level, path, folder, name: `Show more (${whole(left)} left)` });
  else if (listed.files.length === 0) rows.push({ kind: "said", level, path, name: "", words: "Empty" });
  return rows;
}
