// What there is to see of a run at once (design: 6.3, "Overview"). What is not there has no section.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listRows } from "../../api/runs.ts";
import type { Run } from "../../api/runs.ts";
import { principalMetrics } from "../../charts/principal.ts";
import { Curve } from "../../charts/single.tsx";
import { useAsk } from "../../state/ask.ts";
import type { RunData } from "./data.ts";
import { Datasets, Facts } from "./facts.tsx";
import { LogTail } from "./log_tail.tsx";
import { Note } from "./note.tsx";
import { counterparts } from "./relations.tsx";
import { Tags } from "./tags.tsx";
import { LastValues } from "./values.tsx";
import { WhatDiffers } from "./what_differs.tsx";

/** Height of a curve, pixels. */
const CURVE_HEIGHT = 260;

/** A run that this one is held against. */
export interface Reference {
  /** What it is to this run: "origin". */
  what: string;
  id: string;
  name: string;
}

export function Overview({ run, data }: { run: Run; data: RunData }): JSX.Element {
  const { info } = run;
  const metrics = run.data.metrics ?? [];
  const principal = principalMetrics(metrics.map(({ key }) => ({ key, runs: 1 })), []);
  const references = useReferences(run, data);
  const [chosen, choose] = useState<string | null>(null);
  const reference = references?.find(({ id }) => id === chosen) ?? references?.[0] ?? null;
  const drawn = [{ id: info.run_id, name: info.run_name ?? info.run_id, experiment: info.experiment_id }];
  return (
    <div class="overview">
      <div class="overview-main">
        {principal.length > 0 && (
          <section class="curves" aria-label="Principal curves">
            <h2 class="unseen">Principal curves</h2>
            {principal.map((metric) => (
              <div class="panel curve" key={metric}>
                <Curve runs={drawn} metric={metric} height={CURVE_HEIGHT} />
              </div>
            ))}
          </section>
        )}
        {metrics.length > 0 && references && <LastValues run={run} principal={principal} reference={reference} round={data.points} />}
        {reference && (
          <WhatDiffers run={run} reference={reference} references={references ?? []} choose={choose} />
        )}
        <LogTail run={run} round={data.points} />
      </div>
      <div class="overview-side">
        <Note run={run} changed={data.again} />
        <Tags run={run} changed={data.again} />
        <Facts run={run} />
        <Datasets run={run} />
      </div>
    </div>
  );
}

/** The runs that this one comes from, then the one that was started before it; undefined until they are known. */
function useReferences(run: Run, data: RunData): readonly Reference[] | undefined {
  const { run_id: own, experiment_id: experiment, start_time: start } = run.info;
  const before = useAsk(start === undefined ? null : own, async (signal) => {
    const filter = `attributes.start_time < ${start} and attributes.run_id != '${own}'`;
    const columns = ["attribute.run_name"];
    const order_by = ["attributes.start_time DESC"];
    const { rows } = await listRows({ experiment_ids: [experiment], filter, order_by, columns, limit: 1 }, signal);
    const [id, , , name] = rows[0] ?? [];
    return id === undefined ? null : { what: "previous run", id: String(id), name: String(name ?? id) };
  });
  if (data.family === undefined && !data.lineage.failure) return undefined;
  const related = (data.family ? counterparts(data.family) : []).map(({ what, node }) => ({ what, id: node.run_id, name: node.run_name }));
  const previous = before.answer;
  if (related.length === 0 && before.waiting) return undefined;
  return previous && !related.some(({ id }) => id === previous.id) ? [...related, previous] : related;
}
