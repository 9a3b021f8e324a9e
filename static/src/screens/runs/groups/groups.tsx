// Runs in groups (design: 6.2, "Group"): a tree grid (WAI-ARIA) whose groups open to some of their runs. Every group is a filter.

import { Fragment } from "preact";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { listGroups } from "../../../api/groups.ts";
import type { GroupMetric, Groups as Answer } from "../../../api/groups.ts";
import type { RunSearch } from "../../../api/runs.ts";
import { withClause } from "../../../lib/filter.ts";
import { counted, number, whole } from "../../../lib/format.ts";
import { Icon, Name, Status } from "../../../parts/basics.tsx";
import { attempt, notify } from "../../../parts/notice.tsx";
import { Answered, Empty } from "../../../parts/states.tsx";
import { useAsk, useAskAnew } from "../../../state/ask.ts";
import { BASKET_LIMIT } from "../../../state/basket.ts";
import { change, go, place } from "../../../state/router.ts";
import { nextSort, readSort, titlesOf, writeSort } from "../columns.ts";
import type { Column } from "../columns.ts";
import { runIds } from "../export.ts";
import { EVERYTHING } from "../selection.ts";
import { clauseOf, groupKey, groupOrder, groupSort, readGroupBy } from "./group_by.ts";
import type { GroupBy } from "./group_by.ts";
import { GroupRuns, tableOf } from "./group_runs.tsx";
import { treeKey } from "./keys.ts";

export { GroupMenu } from "./menu.tsx";

/** Groups that are asked for at once, and as many as there can be. */
const PAGE = 50;
const MOST_GROUPS = 1_000;
/** Metrics that are told of groups. */
const MOST_METRICS = 12;

type Group = Answer["groups"][number];

export interface GroupsProps {
  search: RunSearch;
  columns: readonly Column[];
  /** Grows when there may be something new. */
  version: number;
}

export function Groups({ search, columns, version }: GroupsProps): JSX.Element {
  const { state } = place.value;
  const by = readGroupBy(state.group);
  const [most, setMost] = useState(PAGE);
  const metrics = columns.filter(({ kind }) => kind === "metric").slice(0, MOST_METRICS);
  const sort = groupSort(readSort(state.sort), metrics);
  const { order_by: _, ...scope } = search;
  const request = by && { ...scope, by: by.by, metrics: metrics.map(({ key }) => key), order_by: groupOrder(sort), limit: most };
  const asked = useAsk(request && JSON.stringify(request), (signal) => listGroups(request ?? { ...scope, by: "", metrics: [], limit: 0 }, signal));
  useAskAnew(asked, version);
  const apart = (
    <button type="button" onClick={() => change({ group: undefined, open: undefined })}>
      Show the runs
    </button>
  );
  if (by === null || request === null) return <Empty title={`Runs cannot be grouped by ${state.group ?? ""}.`}>{apart}</Empty>;
  return (
    <Answered asked={asked} what="The groups" lines={12}>
      {({ total, groups }) =>
        groups.length === 0 ? (
          <Empty title="No run matches, so there are no groups.">{apart}</Empty>
        ) : (
          <div class={asked.stale ? "groups stale" : "groups"}>
            <p class="hint" role="status">
              {counted(total, "group")} by {by.title}
            </p>
            <GroupTable by={by} groups={groups} metrics={metrics} sort={sort} search={search} version={version} />
            {groups.length >= MOST_GROUPS && total > groups.length && <p class="hint">Only the first {whole(groups.length)} are here: sort or filter for others.</p>}
            {groups.length < Math.min(total, MOST_GROUPS) && (
              <button type="button" disabled={asked.waiting} onClick={() => setMost(most + PAGE)}>
                Show {whole(Math.min(PAGE, total - groups.length))} more of {whole(total)}
              </button>
            )}
          </div>
        )
      }
    </Answered>
  );
}

function GroupTable({
  by,
  groups,
  metrics,
  sort,
  search,
  version,
}: {
  by: GroupBy;
  groups: readonly Group[];
  metrics: readonly Column[];
  sort: { id: string; descending: boolean };
  search: RunSearch;
  version: number;
}): JSX.Element {
  const table = useRef<HTMLTableElement>(null);
  const [focused, setFocused] = useState("");
  const open = new Set((place.value.state.open ?? "").split(",").filter((key) => key !== ""));
  const toggle = (key: string, wanted: boolean): void => {
    if (wanted) open.add(key);
    else open.delete(key);
    change({ open: [...open].join(",") }, "replace");
  };
  const titles = titlesOf(metrics);
  const head = (id: string, title: string, column: Column | null): JSX.Element => {
    const descending = sort.id === id ? sort.descending : null;
    const turn = (): void => {
      const next = column ? nextSort([sort], column, false) : [{ id, descending: descending === null ? id === "runs" : !descending }];
      change({ sort: writeSort(next) });
    };
    return (
      <th key={id} role="columnheader" class={id === "group" ? undefined : "right"} aria-sort={descending === null ? undefined : descending ? "descending" : "ascending"}>
        <button type="button" class="quiet" title={column ? `Sort by the mean of ${column.key}` : undefined} onClick={turn}>
          {title} {descending !== null && <span aria-hidden="true">{descending ? "↓" : "↑"}</span>}
        </button>
        {column && <small class="hint">mean, least to greatest</small>}
      </th>
    );
  };
  // Tab leads to the group in which the focus was, whatever became of its runs.
  const keys = groups.map(({ value }) => groupKey(value));
  const tabbed = keys.find((key) => key === focused.split("/", 1)[0]) ?? keys[0];
  return (
    <div class="group-box">
      <table
        role="treegrid"
        aria-label={`Runs by ${by.title}`}
        ref={table}
        onKeyDown={(event) => table.current && treeKey(event, table.current, toggle)}
        onFocusIn={(event) => setFocused((event.target as Element).closest("tr")?.getAttribute("data-key") ?? "")}
      >
        <thead>
          <tr role="row">
            {head("group", by.title, null)}
            {head("runs", "Runs", null)}
            {metrics.map((column, place) => head(column.id, titles[place] ?? "", column))}
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const key = groupKey(group.value);
            const clause = clauseOf(by, group.value);
            const isOpen = open.has(key) && clause !== null;
            return (
              <Fragment key={key}>
                <GroupRow id={key} group={group} clause={clause} open={isOpen} tabbed={key === tabbed} search={search} toggle={toggle} isStatus={by.by === "attribute.status"} />
                {isOpen && <GroupRuns id={key} search={search} clause={clause} metrics={metrics} count={group.runs} focused={focused} version={version} />}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function GroupRow({
  id,
  group: { value, runs, metrics },
  clause,
  open,
  tabbed,
  search,
  toggle,
  isStatus,
}: {
  id: string;
  group: Group;
  clause: string | null;
  open: boolean;
  tabbed: boolean;
  search: RunSearch;
  toggle: (key: string, open: boolean) => void;
  isStatus: boolean;
}): JSX.Element {
  const tabIndex = tabbed ? 0 : -1;
  const name = value === null ? <i class="not-set">not set</i> : isStatus ? <Status status={value} /> : value === "" ? <i class="not-set">empty</i> : <Name text={value} />;
  const compare = (some: string): void =>
    void attempt("Comparing", async () => {
      const ids = await runIds(EVERYTHING, { ...search, filter: withClause(search.filter ?? "", some) }, BASKET_LIMIT);
      if (runs > BASKET_LIMIT) notify(`The first ${BASKET_LIMIT} of ${whole(runs)} runs are compared.`);
      go({ screen: "compare", runs: ids });
    });
  return (
    <tr role="row" aria-level={1} aria-expanded={clause === null ? undefined : open} tabIndex={tabIndex} data-key={id}>
      <th role="rowheader" scope="row">
        <span class="group-name">
          {clause !== null && (
            <button type="button" class="quiet twist" tabIndex={-1} aria-label={open ? "Close" : "Open"} onClick={() => toggle(id, !open)}>
              <Icon name={open ? "down" : "right"} />
            </button>
          )}
          {clause === null ? (
            name
          ) : (
            <a href={tableOf(clause)} tabIndex={tabIndex} title="The table with these runs alone">
              {name}
            </a>
          )}
          {clause !== null && runs > 1 && (
            <button type="button" class="quiet" tabIndex={tabIndex} onClick={() => compare(clause)}>
              Compare
            </button>
          )}
        </span>
      </th>
      <td role="gridcell" class="right figure">
        {whole(runs)}
      </td>
      {metrics.map((metric, place) => (
        <td role="gridcell" class="right figure" key={place}>
          {metric && <Spread metric={metric} runs={runs} />}
        </td>
      ))}
    </tr>
  );
}

/** The mean, and how far values go; of how many runs where that is not all. */
function Spread({ metric: { count, mean, min, max, nan }, runs }: { metric: GroupMetric; runs: number }): JSX.Element {
  const few = count + nan < runs ? `of ${whole(count + nan)}` : "";
  return (
    <span class="spread">
      <span title={counted(count, "value")}>{mean !== null && number(mean)}</span>
      <span class="hint">{min !== null && max !== null && min !== max && `${number(min)}–${number(max)}`}</span>
      {(few !== "" || nan > 0) && (
        <span class="spread-more">
          {few !== "" && <span class="hint">{few}</span>} {nan > 0 && <span class="nan-mark">{whole(nan)} NaN</span>}
        </span>
      )}
    </span>
  );
}
