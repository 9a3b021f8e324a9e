import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Experiment } from "../../api/experiments.ts";
import { size, whole } from "../../lib/format.ts";
import { firstLine } from "../../lib/note.ts";
import { Icon, Name, Time } from "../../parts/basics.tsx";
import { Menu } from "../../parts/menu.tsx";
import { address } from "../../state/place.ts";
import { moveToTrash } from "./acts.ts";
import { DescribeDialog, RenameDialog } from "./dialogs.tsx";
import { figuresOf, noteOf, ownTags } from "./lines.ts";
import type { Figures, Line } from "./lines.ts";
import type { TableActs } from "./table.tsx";

/** Columns that are there only if an experiment has something for them. */
interface Has {
  notes: boolean;
  tags: boolean;
}

/** More experiments than this are not opened together from a folder. */
const MOST_TOGETHER = 100;

/** A folder of experiments: what is in them together. */
export function FolderRow({ line, has, toggle }: { line: Line & { kind: "folder" }; has: Has; toggle: (path: string) => void }): JSX.Element {
  const ids = line.inside.map((experiment) => experiment.experiment_id);
  const href = ids.length <= MOST_TOGETHER ? address({ screen: "runs", experiments: ids }) : undefined;
  return (
    <tr class="folder">
      <td class="pick" />
      <td class="pick" />
      <th scope="row" class="text name">
        <Indented depth={line.depth}>
          <button type="button" class="quiet row-name fold" aria-expanded={line.isOpen} onClick={() => toggle(line.path)}>
            <Icon name={line.isOpen ? "down" : "right"} />
            <Name text={line.label} />
          </button>
          <span class="hint">
            {href === undefined ? whole(ids.length) : <a href={href} title="Open the runs of all of them together">{whole(ids.length)}</a>}
          </span>
        </Indented>
      </th>
      <FigureCells figures={line.figures} />
      <td class="text activity"><Time ms={line.figures.activity} /></td>
      <td class="text users" />
      <td class="figure size">{size(line.figures.size)}</td>
      {has.notes && <td class="note" />}
      {has.tags && <td class="tags" />}
      <td class="pick" />
    </tr>
  );
}

/** An experiment. */
export function ExperimentRow({
  line,
  has,
  isStarred,
  isChosen,
  choose,
  acts,
}: {
  line: Line & { kind: "experiment" };
  has: Has;
  isStarred: boolean;
  isChosen: boolean;
  choose: (id: string, withRange: boolean) => void;
  acts: TableActs;
}): JSX.Element {
  const { experiment } = line;
  const { experiment_id: id, name } = experiment;
  const [dialog, open] = useState<"rename" | "describe">();
  const close = (): void => open(undefined);
  const figures = figuresOf(experiment);
  return (
    <tr data-chosen={isChosen}>
      <td class="pick">
        <label class="hit">
          <input type="checkbox" aria-label={`Select ${name}`} checked={isChosen} onClick={(event) => choose(id, event.shiftKey)} />
        </label>
      </td>
      <td class="pick">
        <button
          type="button"
          class="quiet star"
          aria-pressed={isStarred}
          aria-label={`Keep ${name} on top`}
          title={isStarred ? "No longer on top" : "Keep on top"}
          onClick={() => acts.star(id)}
        >
          <Icon name="star" filled={isStarred} />
        </button>
      </td>
      <th scope="row" class="text name">
        <Indented depth={line.depth}>
          <a class="row-name" href={address({ screen: "runs", experiments: [id] })} title={name}>
            <Name text={line.label} />
          </a>
        </Indented>
      </th>
      <FigureCells figures={figures} />
      <td class="text activity"><Time ms={figures.activity} /></td>
      <td class="text users"><Users experiment={experiment} /></td>
      <td class="figure size">{figures.size === 0 ? <None /> : size(figures.size)}</td>
      {has.notes && (
        <td class="note">
          <Description experiment={experiment} edit={() => open("describe")} />
        </td>
      )}
      {has.tags && <td class="tags"><Tags experiment={experiment} /></td>}
      <td class="pick">
        <RowMenu experiment={experiment} open={open} again={acts.again} />
        {dialog === "rename" && <RenameDialog experiment={experiment} close={close} again={acts.again} />}
        {dialog === "describe" && <DescribeDialog experiment={experiment} close={close} again={acts.again} />}
      </td>
    </tr>
  );
}

function Indented({ depth, children }: { depth: number; children: JSX.Element | readonly JSX.Element[] }): JSX.Element {
  return (
    <span class="indented" style={{ paddingLeft: `${depth * 18}px` }}>
      {children}
    </span>
  );
}

/** A figure of nothing: there, but not to be looked at. */
function None(): JSX.Element {
  return <span class="none">0</span>;
}

function FigureCells({ figures }: { figures: Figures }): JSX.Element {
  return (
    <>
      <td class="figure runs">{figures.runs === 0 ? <None /> : whole(figures.runs)}</td>
      <td class="figure running">{figures.running === 0 ? <None /> : <span class="busy">{whole(figures.running)}</span>}</td>
      <td class="figure failed">{figures.failed === 0 ? <None /> : <span class="bad">{whole(figures.failed)}</span>}</td>
    </>
  );
}

function Users({ experiment }: { experiment: Experiment }): JSX.Element {
  const more = experiment.user_count - experiment.users.length;
  const names = experiment.users.join(", ");
  return (
    <span class="cut" title={names}>
      {names}
      {more > 0 && ` +${more}`}
    </span>
  );
}

function Description({ experiment, edit }: { experiment: Experiment; edit: () => void }): JSX.Element | null {
  const note = noteOf(experiment);
  if (note === "") return null;
  return (
    <button type="button" class="quiet cut" title={note.length > 600 ? `${note.slice(0, 600)}…` : note} onClick={edit}>
      {firstLine(note)}
    </button>
  );
}

/** As many tags as are shown in a line. */
const SHOWN_TAGS = 2;

function Tags({ experiment }: { experiment: Experiment }): JSX.Element {
  const tags = ownTags(experiment).map(({ key, value }) => `${key}: ${value}`);
  return (
    <span class="cut" title={tags.join("\n")}>
      {tags.slice(0, SHOWN_TAGS).map((tag, index) => (
        <span class="tag" key={index}>
          {tag}
        </span>
      ))}
      {tags.length > SHOWN_TAGS && `+${tags.length - SHOWN_TAGS}`}
    </span>
  );
}

function RowMenu({ experiment, open, again }: { experiment: Experiment; open: (dialog: "rename" | "describe") => void; again: () => void }): JSX.Element {
  return (
    <Menu quiet align="end" name={`Actions for ${experiment.name}`} label={<Icon name="menu" />}>
      {(close) => {
        const item = (words: string, act: () => void): JSX.Element => (
          <button
            type="button"
            class="menu-item"
            onClick={() => {
              close();
              act();
            }}
          >
            {words}
          </button>
        );
        return (
          <>
            {item("Rename", () => open("rename"))}
            {item("Describe", () => open("describe"))}
            {item("Move to the trash", () => void moveToTrash(experiment, again))}
          </>
        );
      }}
    </Menu>
  );
}
