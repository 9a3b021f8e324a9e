import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { listExperiments } from "../../api/experiments.ts";
import type { Experiment } from "../../api/experiments.ts";
import { useKeys } from "../../frame/keys.ts";
import { counted } from "../../lib/format.ts";
import { Icon } from "../../parts/basics.tsx";
import { Changing } from "../../parts/changing.tsx";
import { FilterBox } from "../../parts/filter_box.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { Answered, Empty, NothingFound } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { isListed, learnExperiments } from "../../state/experiments.ts";
import { isTexts, kept } from "../../state/kept.ts";
import { useChanges } from "../../state/live.ts";
import { address, adminPage } from "../../state/place.ts";
import { change, place } from "../../state/router.ts";
import { mayChange, session, viewOf } from "../../state/session.ts";
import { useTitle } from "../../state/title.ts";
import { moveToTrash } from "./acts.ts";
import { CreateDialog, DescribeDialog, RenameDialog } from "./dialogs.tsx";
import { SelectionBar } from "./selection_bar.tsx";
import { linesOf, matching, parseSort } from "./lines.ts";
import { ExperimentTable } from "./table.tsx";
import type { TableActs } from "./table.tsx";

// Servers are empty once.
const Connect = lazy("The first steps", async () => (await import("./connect.tsx")).Connect);

/** Ids of the experiments that stay on top in this browser. */
const starred = kept<readonly string[]>("starred", [], isTexts);

/** All experiments (design: 6.1). */
export function Experiments(): JSX.Element {
  useTitle("Experiments");
  const [isCreating, create] = useState(false);
  const asked = useAsk("experiments", learnExperiments);
  useChanges([], asked.again);
  useKeys(mayChange.value ? { n: { name: "New experiment", run: () => create(true) } } : {});
  const all = (asked.answer ?? []).filter(isListed);
  const runs = all.reduce((sum, experiment) => sum + experiment.runs, 0);
  return (
    <div class="screen">
      <header class="screen-head">
        <h1>Experiments</h1>
        <span class="hint">{asked.answer !== undefined && `${counted(all.length, "experiment")}, ${counted(runs, "run")}`}</span>
        <div class="screen-tools">
          <FilterBox placeholder="Filter by name, user, tag" />
          <TreeSwitch />
          <a class="button" href={address(adminPage("trash"))}>
            <Icon name="trash" /> Trash
          </a>
          <Changing>
            <button type="button" onClick={() => create(true)}>
              <Icon name="plus" /> New experiment
            </button>
          </Changing>
        </div>
      </header>
      <Answered asked={asked} what="The experiments" lines={8}>
        {() => (
          <>
            {all.length > 0 && <Known experiments={all} again={asked.again} />}
            {runs === 0 && <NothingYet hasExperiments={all.length > 0} />}
          </>
        )}
      </Answered>
      {isCreating && <CreateDialog close={() => create(false)} />}
    </div>
  );
}

function TreeSwitch(): JSX.Element {
  const isTree = place.value.state.show === "tree";
  return (
    <button type="button" aria-pressed={isTree} title="Show names with / as folders" onClick={() => change({ show: isTree ? undefined : "tree", open: undefined })}>
      <Icon name="folder" /> Tree
    </button>
  );
}

/** The table of experiments as the address wants it. */
function Known({ experiments, again }: { experiments: readonly Experiment[]; again: () => void }): JSX.Element {
  const { q = "", sort, show, open = "", sel = "" } = place.value.state;
  const [edited, edit] = useState<{ what: "rename" | "describe"; experiment: Experiment }>();
  const close = (): void => edit(undefined);
  const found = matching(experiments, q);
  const opened = new Set(open.split(",").filter((path) => path !== "").map(decodeURIComponent));
  const chosen = new Set(sel.split(",").filter((id) => experiments.some((experiment) => experiment.experiment_id === id)));
  const look = { sort: parseSort(sort), starred: new Set(starred.value), isTree: show === "tree", open: opened, allOpen: q !== "" };
  const star = (id: string): void => {
    starred.value = starred.value.includes(id) ? starred.value.filter((other) => other !== id) : [...starred.value, id];
  };
  const toggle = (path: string): void => {
    const next = opened.has(path) ? [...opened].filter((other) => other !== path) : [...opened, path];
    change({ open: next.map(encodeURIComponent).join(",") });
  };
  const choose = (ids: ReadonlySet<string>): void => change({ sel: [...ids].join(",") }, "replace");
  const acts: TableActs = {
    star,
    toggle,
    choose,
    edit: (what, experiment) => edit({ what, experiment }),
    trash: (experiment) => void moveToTrash(experiment, again),
  };
  if (found.length === 0) {
    return (
      <Empty title="No experiment fits the filter.">
        <p>It hides {counted(experiments.length, "experiment")}.</p>
        <button type="button" onClick={() => change({ q: undefined })}>
          Clear the filter
        </button>
      </Empty>
    );
  }
  return (
    <>
      <ExperimentTable lines={linesOf(found, look)} look={look} chosen={chosen} acts={acts} />
      {chosen.size > 0 && <SelectionBar chosen={chosen} choose={choose} />}
      {edited?.what === "rename" && <RenameDialog experiment={edited.experiment} close={close} again={again} />}
      {edited?.what === "describe" && <DescribeDialog experiment={edited.experiment} close={close} again={again} />}
    </>
  );
}

/** Why there is no run, and how to log one. */
function NothingYet({ hasExperiments }: { hasExperiments: boolean }): JSX.Element | null {
  const known = session.value;
  const source = viewOf.value;
  // Where there are accounts an empty list may also be all that one may see.
  const mayBeHidden = !hasExperiments && known?.accounts === true && known.user?.admin !== true;
  const trash = useAsk(hasExperiments ? null : "deleted experiments", (signal) => listExperiments("DELETED_ONLY", signal));
  const deleted = trash.answer?.length ?? 0;
  if (known === undefined) return null;
  if (source !== null) return hasExperiments ? null : <NothingFound source={source} />;
  const title = mayBeHidden ? "There is no experiment that you may see." : "No run has been logged yet.";
  return (
    <section class="first-steps" aria-label="Log your first run">
      <Empty title={title}>
        {mayBeHidden && <p>Whoever administers the server can give you a role in an experiment.</p>}
        {deleted > 0 && (
          <p>
            {counted(deleted, "experiment is", "experiments are")} <a href={address(adminPage("trash"))}>in the trash</a>.
          </p>
        )}
      </Empty>
      <Connect hasAccounts={known?.accounts === true} />
    </section>
  );
}
