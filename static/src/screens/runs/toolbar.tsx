// What is shown, and how: at the right of the chips.

import type { JSX } from "preact";
import { Icon } from "../../parts/basics.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { Menu } from "../../parts/menu.tsx";
import { Share, Views } from "../../parts/share.tsx";
import { Chooser } from "./chooser.tsx";
import type { ChooserProps } from "./chooser.tsx";

export const SHOWS = ["table", "charts", "both", "relations"] as const;
export type Show = (typeof SHOWS)[number];
const SHOW_WORDS: Readonly<Record<Show, string>> = { table: "Table", charts: "Charts", both: "Both", relations: "Relations" };

const GroupMenu = lazy("What can be grouped by", async () => (await import("./groups/groups.tsx")).GroupMenu);

export interface ToolbarProps extends ChooserProps {
  /** The experiment whose runs these are, where it is one. */
  only: string | undefined;
  /** What the runs are grouped by. */
  group: string | undefined;
  setGroup: (group: string | undefined) => void;
  flat: boolean;
  setFlat: (flat: boolean) => void;
  trash: boolean;
  setTrash: (trash: boolean) => void;
  show: Show;
  setShow: (show: Show) => void;
  exportCsv: () => void;
}

export function Toolbar({ only, group, setGroup, flat, setFlat, trash, setTrash, show, setShow, exportCsv, ...chooser }: ToolbarProps): JSX.Element {
  return (
    <div class="toolbar">
      <Menu
        label={
          <>
            Columns <Icon name="down" />
          </>
        }
        align="end"
      >
        {() => <Chooser {...chooser} />}
      </Menu>
      <Menu
        label={
          <>
            {group === undefined ? "Group" : "Grouped"} <Icon name="down" />
          </>
        }
        align="end"
      >
        {(close) => (
          <GroupMenu
            experiments={chooser.experiments}
            chosen={group}
            choose={(wanted) => {
              close();
              setGroup(wanted);
            }}
          />
        )}
      </Menu>
      <button type="button" aria-pressed={flat} title="List every run, without trainings and nesting (f)" onClick={() => setFlat(!flat)}>
        Flat
      </button>
      <button type="button" aria-pressed={trash} title="Runs that were deleted" onClick={() => setTrash(!trash)}>
        <Icon name="trash" /> Trash
      </button>
      <button type="button" title="All runs that match, with the columns that are shown, as CSV" onClick={exportCsv}>
        <Icon name="download" /> CSV
      </button>
      <span class="choice" role="group" aria-label="What is shown">
        {SHOWS.map((one) => (
          <button type="button" key={one} aria-pressed={one === show} onClick={() => setShow(one)}>
            {SHOW_WORDS[one]}
          </button>
        ))}
      </span>
      <Views experiment={only} />
      <Share experiment={only} />
    </div>
  );
}
