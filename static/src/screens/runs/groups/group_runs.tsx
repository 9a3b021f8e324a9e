import type { JSX } from "preact";
import { listRows } from "../../../api/runs.ts";
import type { RunSearch } from "../../../api/runs.ts";
import { withClause } from "../../../lib/filter.ts";
import { counted, number } from "../../../lib/format.ts";
import { Name } from "../../../parts/basics.tsx";
import { Answered } from "../../../parts/states.tsx";
import { useAsk, useAskAnew } from "../../../state/ask.ts";
import { address, runRoute } from "../../../state/place.ts";
import { place } from "../../../state/router.ts";
import type { Column } from "../columns.ts";
import { alsoDemanding } from "../search.ts";

/** Runs that a group shows of itself. */
const RUNS = 10;

/** The address of the table with the runs of a group alone. */
export function tableOf(clause: string): string {
  const { route, state } = place.value;
  const { group: _, open: __, ...rest } = state;
  return address(route, { ...rest, q: alsoDemanding(state.q ?? "", clause) });
}

/** The first runs of a group in the order of the table, and the way to all of them. */
export function GroupRuns({
  id,
  search,
  clause,
  metrics,
  count,
  focused,
  version,
}: {
  id: string;
  search: RunSearch;
  clause: string;
  metrics: readonly Column[];
  count: number;
  focused: string;
  version: number;
}): JSX.Element {
  const columns = ["attributes.run_name", ...metrics.map((column) => column.id)];
  const request = { ...search, filter: withClause(search.filter ?? "", clause), columns, limit: RUNS };
  const asked = useAsk(JSON.stringify(request), (signal) => listRows(request, signal));
  useAskAnew(asked, version);
  const across = metrics.length + 2;
  const { answer } = asked;
  if (answer === undefined) {
    return (
      <tr role="row" aria-level={2}>
        <td role="gridcell" colSpan={across}>
          <Answered asked={asked} what="The runs" lines={2}>
            {() => null}
          </Answered>
        </td>
      </tr>
    );
  }
  const tab = (key: string): number => (key === focused ? 0 : -1);
  return (
    <>
      {answer.rows.map(([run, experiment, , name, ...values]) => {
        const key = `${id}/${String(run)}`;
        return (
          <tr role="row" aria-level={2} tabIndex={tab(key)} data-key={key} key={key}>
            <th role="rowheader" scope="row" class="group-run">
              <a href={address(runRoute(String(experiment), String(run)))} tabIndex={tab(key)}>
                <Name text={String(name ?? run)} />
              </a>
            </th>
            <td role="gridcell" />
            {metrics.map((column, place) => {
              const value = values[place] ?? null;
              return (
                <td role="gridcell" class="right figure" key={column.id}>
                  <span class="spread">
                    <span>{value !== null && number(value)}</span>
                  </span>
                </td>
              );
            })}
          </tr>
        );
      })}
      {count > answer.rows.length && (
        <tr role="row" aria-level={2} tabIndex={tab(`${id}/all`)} data-key={`${id}/all`}>
          <td role="gridcell" colSpan={across} class="group-run">
            <a href={tableOf(clause)} tabIndex={tab(`${id}/all`)}>
              All {counted(count, "run")}
            </a>
          </td>
        </tr>
      )}
    </>
  );
}
