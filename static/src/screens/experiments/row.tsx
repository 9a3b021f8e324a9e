import type { JSX } from "preact";
import type { Experiment } from "../../api/experiments.ts";
import { size, whole } from "../../lib/format.ts";
import { firstLine } from "../../lib/note.ts";
import { Icon, Name, Time } from "../../parts/basics.tsx";
import { Changing } from "../../parts/changing.tsx";
import { Menu, MenuItem } from "../../parts/menu.tsx";
import { now } from "../../state/clock.ts";
import { address, adminPage } from "../../state/place.ts";
import { session } from "../../state/session.ts";
import { figuresOf, noteOf, ownTags } from "./lines.ts";
import type { Figures, Line } from "./lines.ts";
import type { TableActs } from "./table.tsx";

/** More experiments than this are not opened together from a folder. */
const MOST_TOGETHER = 100;

/** A folder of experiments: what is in them together. */
export function FolderRow({ line, toggle }: { line: Line & { kind: "folder" }; toggle: (path: string) => void }): JSX.Element {
  const ids = line.inside.map((experiment) => experiment.experiment_id);
  const href = ids.length <= MOST_TOGETHER ? address({ screen: "runs", experiments: ids }) : undefined;
  return (
    <tr class="folder">
      <td class="col-pick" />
      <td class="col-pick" />
      <th scope="row" class="col-name">
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
      <td class="col-activity"><Time ms={line.figures.activity} /></td>
      <td class="col-users" />
      <td class="figure col-size">{size(line.figures.size)}</td>
      <td class="col-note" />
      <Changing>
        <td class="col-pick" />
      </Changing>
    </tr>
  );
}

/** An experiment. */
export function ExperimentRow({
  line,
  isStarred,
  isChosen,
  choose,
  acts,
}: {
  line: Line & { kind: "experiment" };
  isStarred: boolean;
  isChosen: boolean;
  choose: (id: string, withRange: boolean) => void;
  acts: TableActs;
}): JSX.Element {
  const { experiment } = line;
  const { experiment_id: id, name } = experiment;
  const figures = figuresOf(experiment);
  return (
    <tr data-chosen={isChosen}>
      <td class="col-pick">
        <label class="hit">
          <input type="checkbox" aria-label={`Select ${name}`} checked={isChosen} onClick={(event) => choose(id, event.shiftKey)} />
        </label>
      </td>
      <td class="col-pick">
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
      <th scope="row" class="col-name">
        <Indented depth={line.depth}>
          <a class="row-name" href={address({ screen: "runs", experiments: [id] })} title={name}>
            <Name text={line.label} />
          </a>
        </Indented>
      </th>
      <FigureCells figures={figures} experiment={id} />
      <td class="col-activity"><Time ms={figures.activity} /></td>
      <td class="col-users"><Users experiment={experiment} /></td>
      <td class="figure col-size">{figures.size === 0 ? <None /> : size(figures.size)}</td>
      <td class="col-note">
        <span class="note-and-tags">
          <Description experiment={experiment} open={() => acts.edit("describe", experiment)} />
          <Tags experiment={experiment} />
        </span>
      </td>
      <Changing>
        <td class="col-pick">
          <RowMenu experiment={experiment} acts={acts} />
        </td>
      </Changing>
    </tr>
  );
}

/** Levels that stand further and further to the right; names may have hundreds of slashes, and a column has an end. */
const MOST_INDENTED = 6;

function Indented({ depth, children }: { depth: number; children: JSX.Element | readonly JSX.Element[] }): JSX.Element {
  return (
    <span class="indented" style={{ paddingLeft: `${Math.min(depth, MOST_INDENTED) * 24}px` }}>
      {children}
    </span>
  );
}

/** A figure of nothing: there, but not to be looked at. */
function None(): JSX.Element {
  return <span class="none">0</span>;
}

/** For how long the server calls a failure recent, ms. */
const RECENT_MS = 7 * 24 * 3_600_000;

/** The figures of an experiment, which lead to the runs that they count, or those of a folder. */
function FigureCells({ figures, experiment }: { figures: Figures; experiment?: string }): JSX.Element {
  const counted = (count: number, words: string, kind: string, query: string): JSX.Element => {
    if (count === 0) return <None />;
    if (experiment === undefined) return <span class={kind}>{whole(count)}</span>;
    return (
      <a class={kind} aria-label={`${whole(count)} ${words}`} href={address({ screen: "runs", experiments: [experiment] }, { q: query })}>
        {whole(count)}
      </a>
    );
  };
  return (
    <>
      <td class="figure col-runs">{figures.runs === 0 ? <None /> : whole(figures.runs)}</td>
      <td class="figure col-running">{counted(figures.running, "running", "busy", "attributes.status = 'RUNNING'")}</td>
      <td class="figure col-failed">{counted(figures.failed, "failed lately", "bad", `attributes.status = 'FAILED' AND attributes.end_time > ${now.value - RECENT_MS}`)}</td>
    </>
  );
}

function Users({ experiment }: { experiment: Experiment }): JSX.Element {
  const more = experiment.user_count - experiment.users.length;
  const names = experiment.users.join(", ");
  return (
    <span class="one-line" title={names}>
      {names}
      {more > 0 && ` +${more}`}
    </span>
  );
}

function Description({ experiment, open }: { experiment: Experiment; open: () => void }): JSX.Element | null {
  const note = noteOf(experiment);
  if (note === "") return null;
  return (
    <button type="button" class="quiet one-line" title={note.length > 600 ? `${note.slice(0, 600)}…` : note} onClick={open}>
      {firstLine(note)}
    </button>
  );
}

/** As many tags as are shown in a line. */
const SHOWN_TAGS = 2;

function Tags({ experiment }: { experiment: Experiment }): JSX.Element {
  const tags = ownTags(experiment).map(({ key, value }) => `${key}: ${value}`);
  return (
    <>
      {tags.slice(0, SHOWN_TAGS).map((tag, index) => (
        <span class="tag-chip" title={tag} key={index}>
          {tag}
        </span>
      ))}
      {tags.length > SHOWN_TAGS && <span title={tags.join("\n")}>+{tags.length - SHOWN_TAGS}</span>}
    </>
  );
}

function RowMenu({ experiment, acts }: { experiment: Experiment; acts: TableActs }): JSX.Element {
  return (
    <Menu quiet align="end" name={`Actions for ${experiment.name}`} label={<Icon name="menu" />}>
      {(close) => (
        <>
          <MenuItem close={close} act={() => acts.edit("rename", experiment)}>
            Rename
          </MenuItem>
          <MenuItem close={close} act={() => acts.edit("describe", experiment)}>
            Describe
          </MenuItem>
          {session.value?.user && (
            <a class="button menu-item" href={address(adminPage("roles", experiment.experiment_id))}>
              Roles
            </a>
          )}
          <MenuItem close={close} act={() => acts.trash(experiment)}>
            Move to the trash
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
