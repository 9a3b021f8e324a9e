import type { JSX } from "preact";
import { useKeys } from "../../frame/keys.ts";
import { counted, whole } from "../../lib/format.ts";
import { Icon } from "../../parts/basics.tsx";
import { Crumbs } from "../../parts/crumbs.tsx";
import { Menu } from "../../parts/menu.tsx";
import { notify } from "../../parts/notice.tsx";
import { Share } from "../../parts/share.tsx";
import { Empty, Skeleton, Trouble } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { BASKET_LIMIT, basket } from "../../state/basket.ts";
import { isNarrow } from "../../state/narrow.ts";
import { address } from "../../state/place.ts";
import { readFacts } from "../../state/run_facts.ts";
import { useTitle } from "../../state/title.ts";
import { AddRuns } from "./add_runs.tsx";
import { Comparison } from "./comparison.tsx";
import { putSet } from "./put_set.ts";

/** As many as there is room for on a telephone. */
const NARROW_LIMIT = 4;

/** Runs side by side (design: 6.4). The set is in the address: what edits it makes another address, so that "back" undoes it. */
export function Compare({ runs }: { runs: readonly string[] }): JSX.Element {
  const all = [...new Set(runs)];
  const limit = isNarrow.value ? NARROW_LIMIT : BASKET_LIMIT;
  const ids = all.slice(0, limit);
  const sorted = [...ids].sort();
  const { answer, failure, stale, again } = useAsk(sorted.length === 0 ? null : sorted.join(), (signal) => readFacts(sorted, signal));
  const add = (more: readonly string[]): void => putSet([...all, ...more]);
  const count = answer === undefined || stale ? ids.length : answer.runs.length;
  const words = count === 0 ? "Compare runs" : `Compare ${counted(count, "run")}`;
  const experiments = new Set(answer?.runs.map(({ experiment }) => experiment));
  useTitle(words);
  useKeys({
    c: { name: "Compare the runs of the basket", run: () => (basket.value.length > 0 ? putSet(basket.value) : notify("The basket is empty.")) },
  });
  return (
    <div class="screen">
      <header class="compare-head">
        <div>
          <Crumbs items={[{ text: "Experiments", href: address({ screen: "experiments" }) }, { text: "Compare" }]} />
          <h1>{words}</h1>
        </div>
        {ids.length > 1 && (
          <div class="section-end">
            <Menu label={<AddLabel />} align="end">
              {() => <AddRuns taken={ids} add={add} />}
            </Menu>
            <Share experiment={experiments.size === 1 ? [...experiments][0] : undefined} />
          </div>
        )}
      </header>
      {all.length > ids.length && (
        <p class="hint">
          At most {limit} runs are compared{isNarrow.value && " on so narrow a page"}, the first of {whole(all.length)} in this address.
        </p>
      )}
      {failure && <Trouble what="The runs" failure={failure} retry={again} />}
      {ids.length > 0 && answer === undefined && !failure && <Skeleton lines={3} name="the runs" />}
      {ids.length > 0 && answer !== undefined && <Comparison ids={ids} others={all.slice(limit)} known={answer} isComplete={!stale} again={again} />}
      {ids.length < 2 && <TooFew one={ids.length === 1} taken={ids} add={add} />}
    </div>
  );
}

function TooFew({ one, taken, add }: { one: boolean; taken: readonly string[]; add: (runs: readonly string[]) => void }): JSX.Element {
  return (
    <Empty title={one ? "Add a run to compare this one with." : "Choose the runs to compare."}>
      <p>Find them here, or put runs into the basket wherever they are listed.</p>
      <AddRuns taken={taken} add={add} />
    </Empty>
  );
}

function AddLabel(): JSX.Element {
  return (
    <>
      <Icon name="plus" /> Add runs
    </>
  );
}
