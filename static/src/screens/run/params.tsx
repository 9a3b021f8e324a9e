import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Run } from "../../api/runs.ts";
import { copyText } from "../../lib/clipboard.ts";
import type { Family } from "../../lib/family.ts";
import { counted, whole } from "../../lib/format.ts";
import { paramTree, paramsAsJson, paramsAsYaml, searchParams } from "../../lib/param_tree.ts";
import type { Param, ParamNode } from "../../lib/param_tree.ts";
import { Icon } from "../../parts/basics.tsx";
import { LongText } from "../../parts/long_text.tsx";
import { notify } from "../../parts/notice.tsx";
import { Empty } from "../../parts/states.tsx";
import { address } from "../../state/place.ts";
import { change, place } from "../../state/router.ts";
import { counterparts } from "./relations.tsx";

/** Of a tree with no more params than this all groups are open at first, of a larger one those at the top. */
const OPEN_LIMIT = 60;
/** As many rows of the flat list exist at first. */
const FLAT_ROWS = 1_000;

/** The params of a run: as a tree by the dots in their names, or one below the other (design: 6.3, "Params"). */
export function Params({ run, family }: { run: Run; family: Family | undefined }): JSX.Element {
  const all = useMemo(() => [...(run.data.params ?? [])].sort((one, other) => one.key.localeCompare(other.key, "en", { numeric: true })), [run]);
  const { q: search = "", flat = "" } = place.value.state;
  const shown = useMemo(() => searchParams(all, search), [all, search]);
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map());
  const openFirst = search !== "" || all.length <= OPEN_LIMIT;
  const [rest, setRest] = useState<boolean | null>(null);
  const isOpen = (path: string, level: number): boolean => opened.get(path) ?? rest ?? (openFirst || level === 0);
  const toggleAll = (open: boolean): void => {
    setOpened(new Map());
    setRest(open);
  };
  if (all.length === 0) return <Empty title="This run has no params." />;
  const other = family && counterparts(family)[0];
  return (
    <div class="params">
      <div class="run-tools">
        <label class="filter-field">
          <span class="unseen">Search params</span>
          <Icon name="search" />
          <input
            type="search"
            placeholder="Search names and values"
            value={search}
            onInput={(event) => change({ q: event.currentTarget.value }, "replace")}
          />
        </label>
        <span class="hint" role="status">
          {shown.length === all.length ? counted(all.length, "param") : `${whole(shown.length)} of ${counted(all.length, "param")}`}
        </span>
        <span class="choice">
          <button type="button" aria-pressed={flat === ""} onClick={() => change({ flat: undefined })}>
            Tree
          </button>
          <button type="button" aria-pressed={flat !== ""} onClick={() => change({ flat: "1" })}>
            Flat
          </button>
        </span>
        {flat === "" && (
          <>
            <button type="button" onClick={() => toggleAll(true)}>
              Open all
            </button>
            <button type="button" onClick={() => toggleAll(false)}>
              Close all
            </button>
          </>
        )}
        <span class="spring" />
        {other && (
          <a class="button" href={address({ screen: "compare", runs: [other.node.run_id, run.info.run_id] }, { tab: "differs" })}>
            What differs from the {other.what}
          </a>
        )}
        <Copy name="YAML" params={shown} write={paramsAsYaml} />
        <Copy name="JSON" params={shown} write={paramsAsJson} />
      </div>
      {shown.length === 0 ? (
        <Empty title={`None of ${counted(all.length, "param")} has “${search}”.`}>
          <button type="button" onClick={() => change({ q: undefined })}>
            Show all
          </button>
        </Empty>
      ) : flat === "" ? (
        <div class="panel param-tree">
          <Branches
            nodes={paramTree(shown)}
            level={0}
            isOpen={isOpen}
            toggle={(path, open) => setOpened(new Map(opened).set(path, open))}
          />
        </div>
      ) : (
        <Flat params={shown} />
      )}
    </div>
  );
}

function Copy({ name, params, write }: { name: string; params: readonly Param[]; write: (params: readonly Param[]) => string }): JSX.Element {
  const copy = async (): Promise<void> => {
    const done = await copyText(write(params));
    notify(done ? `Copied ${counted(params.length, "param")} as ${name}` : "That could not be copied");
  };
  return (
    <button type="button" onClick={() => void copy()}>
      <Icon name="copy" /> {name}
    </button>
  );
}

function Branches({
  nodes,
  level,
  isOpen,
  toggle,
}: {
  nodes: readonly ParamNode[];
  level: number;
  isOpen: (path: string, level: number) => boolean;
  toggle: (path: string, open: boolean) => void;
}): JSX.Element {
  return (
    <ul style={{ "--level": level }}>
      {nodes.map((node) => {
        const open = isOpen(node.path, level);
        return (
          <li key={node.path}>
            {node.below.length > 0 && (
              <button type="button" class="quiet fold" aria-expanded={open} title={node.path} onClick={() => toggle(node.path, !open)}>
                <Icon name={open ? "down" : "right"} />
                <bdi>{node.name}</bdi> <span class="count">{whole(node.count)}</span>
              </button>
            )}
            {node.value !== undefined && (
              <div class="param">
                <bdi class="param-name" title={node.path}>
                  {node.name}
                </bdi>
                <LongText text={node.value} code />
              </div>
            )}
            {node.below.length > 0 && open && <Branches nodes={node.below} level={level + 1} isOpen={isOpen} toggle={toggle} />}
          </li>
        );
      })}
    </ul>
  );
}

function Flat({ params }: { params: readonly Param[] }): JSX.Element {
  const [all, setAll] = useState(false);
  return (
    <div class="panel">
      <table class="param-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {(all ? params : params.slice(0, FLAT_ROWS)).map(({ key, value }) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td>
                <LongText text={value} code />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {params.length > FLAT_ROWS && !all && (
        <button type="button" class="quiet more-of" onClick={() => setAll(true)}>
          Show all {whole(params.length)}
        </button>
      )}
    </div>
  );
}
