import type { JSX } from "preact";
import type { Lineage } from "../../api/runs.ts";
import { outline } from "../../lib/family.ts";
import type { Branch } from "../../lib/family.ts";
import { counted, whole } from "../../lib/format.ts";
import { Duration, Status, Time } from "../../parts/basics.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import type { Asked } from "../../state/ask.ts";
import { BASKET_LIMIT } from "../../state/basket.ts";
import { address } from "../../state/place.ts";
import { RunLink } from "./relations.tsx";

/** All runs that hang together with this one, as an indented list (design: 6.5). */
export function LineageList({ asked }: { asked: Asked<Lineage> }): JSX.Element {
  return (
    <Answered asked={asked} what="The lineage">
      {(lineage) => {
        const { nodes, truncated, run_id: own } = lineage;
        if (nodes.length <= 1 && lineage.edges.length === 0) {
          return <Empty title="This run stands alone: nothing was resumed, forked, copied or nested." />;
        }
        const compared = nodes.filter((node) => node.lifecycle_stage === "active").slice(0, BASKET_LIMIT);
        return (
          <div class="lineage">
            <div class="run-tools">
              <span class="hint">{counted(nodes.length, "run")} that hang together</span>
              <span class="spring" />
              {compared.length > 1 && (
                <a class="button" href={address({ screen: "compare", runs: compared.map((node) => node.run_id) })}>
                  Compare this lineage
                </a>
              )}
            </div>
            {truncated && <p class="hint">There are more; these are the first {whole(nodes.length)}.</p>}
            <div class="panel lineage-list">
              <Branches branches={outline(lineage, whole)} own={own} />
            </div>
          </div>
        );
      }}
    </Answered>
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
                <code title={id}>{id.slice(0, 8)}</code> not on this server
              </span>
            )}
          </div>
          {below.length > 0 && <Branches branches={below} own={own} />}
        </li>
      ))}
    </ul>
  );
}
