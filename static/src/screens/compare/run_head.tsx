import type { JSX } from "preact";
import type { Signal } from "@preact/signals";
import type { Ink } from "../../lib/colours.ts";
import { Name } from "../../parts/basics.tsx";
import { InkSign } from "../../parts/ink.tsx";
import { address, runRoute } from "../../state/place.ts";
import type { Facts } from "../../state/run_facts.ts";
import type { Lines } from "./matrix.tsx";

/** What every section of a comparison needs. */
export interface Compared {
  /** All runs of the set, in an order that neither hiding nor moving changes: what the server is asked about. */
  ids: readonly string[];
  /** The runs that tables show; the first is the base. */
  columns: readonly Facts[];
  inks: ReadonlyMap<string, Ink>;
  /** The run that is pointed at anywhere on the screen. */
  pointed: Signal<string | null>;
  /** Grows when what is known of the runs has changed on the server. */
  round: number;
}

/** The runs as rows or columns of a table. */
export function runLines({ columns, inks, pointed }: Compared): Lines {
  return {
    keys: columns.map(({ id }) => id),
    head: (line) => {
      const run = columns[line];
      return run && <RunHead run={run} ink={inks.get(run.id)} isBase={line === 0} pointed={pointed} />;
    },
  };
}

/** A run as the head of a row or a column: its name, its id below. */
export function RunHead({ run, ink, isBase, pointed }: { run: Facts; ink: Ink | undefined; isBase: boolean; pointed: Compared["pointed"] }): JSX.Element {
  return (
    <span
      class="run-head"
      data-pointed={pointed.value === run.id}
      onPointerEnter={() => (pointed.value = run.id)}
      onPointerLeave={() => (pointed.value = null)}
    >
      <a href={address(runRoute(run.experiment, run.id))}>
        <Name text={run.name} tail={12} />
      </a>
      <span class="run-head-facts">
        <InkSign ink={ink} />
        <code title={run.id}>{run.id.slice(0, 8)}</code>
        {isBase && <span class="base-mark">base</span>}
      </span>
    </span>
  );
}
