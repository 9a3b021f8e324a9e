import type { JSX } from "preact";
import type { Lineage } from "../../api/runs.ts";
import { outline } from "../../lib/family.ts";
import type { Branch } from "../../lib/family.ts";
import { forkFamily } from "../../lib/forks.ts";
import { counted, whole } from "../../lib/format.ts";
import { Duration, Status, Time } from "../../parts/basics.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import type { Asked } from "../../state/ask.ts";
import { BASKET_LIMIT } from "../../state/basket.ts";
import { forkComparison } from "../../state/forks.ts";
import { address } from "../../state/place.ts";
import { change, place } from "../../state/router.ts";
import { LineageDrawing } from "./lineage_drawing.tsx";
import { RunLink } from "./relations.tsx";

/** All runs that hang together with this one, drawn or as an indented list (design: 6.5). */
export function LineageTab({ asked }: { asked: Asked<Lineage> }): JSX.Element {
  return (
    <Answered asked={asked} what="The lineage">
      {(lineage) => {
        if (lineage.nodes.length <= 1 && lineage.edges.length === 0) {
          return <Empty title="This run stands alone: nothing was resumed, forked, copied or nested." />;
        }
        const listed = place.value.state.show === "list";
        return (
          <div class="lineage">
            <Tools lineage={lineage} listed={listed} />
            {lineage.truncated && <p class="hint">There are more; these are the first {whole(lineage.nodes.length)}.</p>}
            {listed ? (
              <div class="panel lineage-list">
                <Branches branches={outline(lineage, whole)} own={lineage.run_id} />
              </div>
            ) : (
              <LineageDrawing lineage={lineage} />
            )}
          </div>
        );
      }}
    </Answered>
  );
}

function Tools({ lineage, listed }: { lineage: Lineage; listed: boolean }): JSX.Element {
  const { nodes, run_id: own } = lineage;
  const bySteps = place.value.state.x === "step";
  const compared = nodes.filter((node) => node.lifecycle_stage === "active").slice(0, BASKET_LIMIT);
  const forks = forkFamily(lineage, own);
  return (
    <div class="run-tools">
      <span class="choice" role="group" aria-label="Form">
        <button type="button" aria-pressed={!listed} onClick={() => change({ show: undefined }, "replace")}>
          Drawing
        </button>
        <button type="button" aria-pressed={listed} onClick={() => change({ show: "list" }, "replace")}>
          List
        </button>
      </span>
      {!listed && (
        <span class="choice" role="group" aria-label="From left to right">
          <button type="button" aria-pressed={!bySteps} onClick={() => change({ x: undefined }, "replace")}>
            By time
          </button>
          <button type="button" aria-pressed={bySteps} onClick={() => change({ x: "step" }, "replace")}>
            By steps
          </button>
        </span>
      )}
      <span class="hint">{counted(nodes.length, "run")} that hang together</span>
      <span class="spring" />
      {forks && (
        <a class="button" href={forkComparison(forks)}>
          Compare {forks.forks.length === 1 ? "the fork" : `the ${whole(forks.forks.length)} forks`} with the origin
        </a>
      )}
      {compared.length > 1 && (
        <a class="button" href={address({ screen: "compare", runs: compared.map((node) => node.run_id) })}>
          Compare this lineage
        </a>
      )}
    </div>
  );
}

function Branches({ branches, own }: { branches: readonly Branch[]; own: string }): JSX.Element {
  return (
    <ul>
      {branches.map(({ run_id: id, node, how, below }) => (
        <li key={id}>
          <div class="lineage-run" aria-current={id === own ? "true" : undefined}>
            {how !== "" && <span class="how">{how}</span>}
            {node ? (
              <>
                <RunLink node={node} />
                <Status status={node.status} />
                {typeof node.last_step === "number" && <span class="figure hint">step {whole(node.last_step)}</span>}
                <span class="hint">
                  <Time ms={node.start_time} />
                  {node.end_time !== null && (
                    <>
                      , took <Duration from={node.start_time} to={node.end_time} />
                    </>
                  )}
                </span>
                {id === own && <span class="hint">this run</span>}
              </>
            ) : (
              <span class="absent">
                <code title={id}>{id.slice(0, 8)}</code> not here
              </span>
            )}
          </div>
          {below.length > 0 && <Branches branches={below} own={own} />}
        </li>
      ))}
    </ul>
  );
}
