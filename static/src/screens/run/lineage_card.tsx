// What a run of a drawn lineage is, and what differs from what it comes of.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { diff } from "../../api/runs.ts";
import type { Cell, Lineage, LineageNode } from "../../api/runs.ts";
import { family } from "../../lib/family.ts";
import { forkFamily, readShifts, writeShift } from "../../lib/forks.ts";
import { counted, fullMoment, whole } from "../../lib/format.ts";
import { isRestarted } from "../../lib/lineage_lanes.ts";
import type { Bar } from "../../lib/lineage_lanes.ts";
import { configuredFirst } from "../../lib/told_differences.ts";
import { Duration, Icon, Id, Name, Status, Time } from "../../parts/basics.tsx";
import { LongText } from "../../parts/long_text.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { addToBasket, basket, takeFromBasket } from "../../state/basket.ts";
import { forkComparison } from "../../state/forks.ts";
import { address, runRoute } from "../../state/place.ts";
import { change, place } from "../../state/router.ts";
import { inUtc } from "../../state/zone.ts";
import { Relations, counterparts } from "./relations.tsx";
import type { Counterpart } from "./relations.tsx";

/** Params that are shown of those that differ. */
const FEW = 8;

/** A run in words: `control, attempt 2, Finished, steps 40,050 to 84,000, started 2026-11-23 22:36`. */
export function barWords({ run_id: id, node }: Bar): string {
  if (node === null) return `${id}, not on this server`;
  const words = [
    node.run_name === "" ? id.slice(0, 8) : node.run_name,
    node.role === "attempt" ? (node.attempt === undefined ? "" : `attempt ${node.attempt}`) : node.role,
    node.status.toLowerCase(),
    stepWords(node),
    node.start_time === null ? "" : `started ${fullMoment(node.start_time, inUtc())}`,
    node.lifecycle_stage === "deleted" ? "in the trash" : "",
  ];
  return words.filter((word) => word !== "").join(", ");
}

export function LineageCard({ lineage, bar, close }: { lineage: Lineage; bar: Bar; close: () => void }): JSX.Element {
  const { run_id: id, node } = bar;
  return (
    <aside class="panel lineage-card" aria-label="The chosen run">
      <header>
        <h2>
          <Name text={node === null ? "Not on this server" : node.run_name === "" ? id.slice(0, 8) : node.run_name} />
        </h2>
        <button type="button" class="quiet" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {node === null ? (
        <p>
          Runs here say that they come of it, and it is neither on this server nor for you to see. <Id id={id} />
        </p>
      ) : (
        <Known lineage={lineage} node={node} />
      )}
    </aside>
  );
}

function Known({ lineage, node }: { lineage: Lineage; node: LineageNode }): JSX.Element {
  const { run_id: id } = node;
  const own = family(lineage, id);
  const [other] = counterparts(own);
  const forks = forkFamily(lineage, id);
  const held = basket.value.includes(id);
  return (
    <>
      <dl class="lineage-facts">
        <Fact name="State">
          <Status status={node.status} />
        </Fact>
        <Fact name="Started">
          <Time ms={node.start_time} />
        </Fact>
        <Fact name={node.end_time === null ? "Running for" : "Took"}>
          {(node.end_time !== null || node.status === "RUNNING") && <Duration from={node.start_time} to={node.end_time} />}
        </Fact>
        <Fact name="Steps">{stepWords(node).replace(/^steps? /, "")}</Fact>
        <Fact name="By">{node.user_id !== "" && <Name text={node.user_id} />}</Fact>
        <Fact name="Id">
          <Id id={id} />
        </Fact>
      </dl>
      <Relations family={own} self={node} />
      {own.origin?.node && own.origin.step === null && isRestarted(node, own.origin.node) && <Shift run={id} origin={own.origin.node} />}
      <div class="run-tools">
        <a class="button primary" href={address(runRoute(node.experiment_id, id))}>
          Open
        </a>
        {other && (
          <a class="button" href={address({ screen: "compare", runs: [other.node.run_id, id] }, own.origin ? { origin: "1" } : {})}>
            Compare with its {other.what}
          </a>
        )}
        {forks && (
          <a class="button" href={forkComparison(forks)}>
            Compare {forks.forks.length === 1 ? "origin and fork" : `origin and ${whole(forks.forks.length)} forks`}
          </a>
        )}
        <button type="button" aria-pressed={held} onClick={() => (held ? takeFromBasket : addToBasket)([id])}>
          <Icon name="basket" /> {held ? "In the basket" : "Add to basket"}
        </button>
      </div>
      {other && <Differing node={node} other={other} />}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element | null {
  if (children === "" || children === false || children === null) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Where a fork whose own steps began anew left its origin: chosen by hand, since nothing shows it. */
function Shift({ run, origin }: { run: string; origin: LineageNode }): JSX.Element {
  const { state } = place.value;
  const chosen = readShifts(state.shift).get(run) ?? null;
  const [text, setText] = useState(chosen === null ? "" : String(chosen));
  const put = (event: Event): void => {
    event.preventDefault();
    const step = /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
    change({ shift: writeShift(state.shift, run, step), x: "step" }, "replace");
  };
  return (
    <form class="lineage-shift" onSubmit={put}>
      <label for="lineage-shift">Its steps begin anew, so that nothing shows where it left its origin. Draw it from step</label>
      <input id="lineage-shift" inputMode="numeric" pattern="\s*\d{0,15}\s*" placeholder={String(origin.last_step ?? 0)} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <button type="submit">Draw</button>
    </form>
  );
}

/** The params in which a run differs from what it comes of. */
function Differing({ node, other: { what, node: there } }: { node: LineageNode; other: Counterpart }): JSX.Element {
  const asked = useAsk([there.run_id, node.run_id].join(), (signal) => diff([there.run_id, node.run_id], false, ["param"], signal));
  return (
    <section aria-label="What differs">
      <h3>What differs from its {what}</h3>
      <Answered asked={asked} what="The differences" lines={3}>
        {({ rows, differing, totals }) =>
          rows.length === 0 ? (
            <p class="hint">{totals.param === 0 ? "Neither has params." : `All ${counted(totals.param, "param")} are the same.`}</p>
          ) : (
            <>
              <dl class="lineage-differing">
                {configuredFirst(rows).slice(0, FEW).map(({ key, values: [before, after] }) => (
                  <div key={key}>
                    <dt>{key}</dt>
                    <dd>
                      <Value of={before} /> <span aria-label="became">→</span> <Value of={after} />
                    </dd>
                  </div>
                ))}
              </dl>
              {differing.param > FEW && (
                <a href={address({ screen: "compare", runs: [there.run_id, node.run_id] }, { tab: "differs" })}>All {whole(differing.param)} params that differ</a>
              )}
            </>
          )
        }
      </Answered>
    </section>
  );
}

function Value({ of }: { of: Cell | undefined }): JSX.Element {
  return of === null || of === undefined ? <span class="hint">not set</span> : <LongText text={String(of)} />;
}

function stepWords({ first_step: first = null, last_step: last = null }: LineageNode): string {
  if (first === null || last === null) return "";
  return first === last ? `step ${whole(first)}` : `steps ${whole(first)} to ${whole(last)}`;
}
