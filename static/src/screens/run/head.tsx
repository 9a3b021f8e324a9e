// The head of a run's page: its name, how far it is, what it comes from, and what can be done with it.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { renameRun } from "../../api/runs.ts";
import type { LineageNode, Progress, Run } from "../../api/runs.ts";
import { useKeys } from "../../frame/keys.ts";
import { number, whole } from "../../lib/format.ts";
import { endAtRate, estimatedEnd, marks, share, silence, stillToCome } from "../../lib/progress.ts";
import { Duration, Icon, Id, Name, Status, Time, Until } from "../../parts/basics.tsx";
import { focused } from "../../parts/focus.ts";
import { Menu } from "../../parts/menu.tsx";
import { notify } from "../../parts/notice.tsx";
import { Share } from "../../parts/share.tsx";
import { asFailure } from "../../state/ask.ts";
import { addToBasket, basket, takeFromBasket } from "../../state/basket.ts";
import { now } from "../../state/clock.ts";
import { forkComparison } from "../../state/forks.ts";
import { address, runRoute } from "../../state/place.ts";
import { mayEdit } from "./data.ts";
import type { RunData } from "./data.ts";
import { go } from "../../state/router.ts";
import { Relations, counterparts } from "./relations.tsx";
import { Remove } from "./remove.tsx";

export function Head({ run, data }: { run: Run; data: RunData }): JSX.Element {
  const { info } = run;
  const own = data.lineage.answer?.nodes.find((node) => node.run_id === info.run_id);
  const isSilent = silence(info.status, data.progress, now.value) !== null;
  const rated = endAtRate(data.progress, data.live) ?? (isSilent ? null : estimatedEnd(data.progress, info.start_time, own?.first_step ?? 0));
  const ends = info.status === "RUNNING" ? stillToCome(rated, isSilent, now.value) : null;
  return (
    <header class="run-top">
      <div class="run-title">
        <Title run={run} renamed={data.again} />
        <Actions run={run} data={data} />
      </div>
      <div class="run-line">
        <Status status={info.status} />
        <Reached run={run} progress={data.progress} />
        {marks(info.status, data.progress, data.live, now.value).map((mark) => (
          <span class="warning" key={mark}>
            <Icon name="warning" /> {mark}
          </span>
        ))}
        <Told name="Started">
          <Time ms={info.start_time} />
        </Told>
        <Told name={info.status === "RUNNING" ? "Running for" : "Took"}>
          <Duration from={info.start_time} to={info.end_time ?? (info.status === "RUNNING" ? undefined : data.progress?.last_point_time)} />
        </Told>
        {ends !== null && (
          <Told name="Ends about">
            <Until ms={ends} />
          </Told>
        )}
        {info.user_id !== undefined && info.user_id !== "" && (
          <Told name="By">
            <Name text={info.user_id} />
          </Told>
        )}
        <Told name="Id">
          <Id id={info.run_id} />
        </Told>
      </div>
      {data.family && <Relations family={data.family} self={info} />}
    </header>
  );
}

function Told({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <span class="told">
      <span class="hint">{name}</span> {children}
    </span>
  );
}

/** How far it is: the step, of how many, and the epoch. */
function Reached({ run, progress }: { run: Run; progress: Progress | null }): JSX.Element | null {
  const epoch = run.data.metrics?.find(({ key }) => key === "epoch");
  if (progress === null) return null;
  const done = share(progress);
  return (
    <span class="reached">
      {done !== null && (
        <progress max={1} value={done} aria-label="Progress">
          {Math.round(done * 100)} %
        </progress>
      )}
      <span class="figure">
        step {whole(progress.last_step)}
        {progress.max_steps !== null && ` / ${whole(progress.max_steps)}`}
        {epoch && ` · epoch ${number(epoch.value)}`}
      </span>
    </span>
  );
}

/** The name; a click, or Enter, makes it a field. */
function Title({ run, renamed }: { run: Run; renamed: () => void }): JSX.Element {
  const { run_id: id, run_name: name = "" } = run.info;
  const [draft, setDraft] = useState<string | null>(null);
  const [refusal, setRefusal] = useState("");
  const done = (): void => {
    setDraft(null);
    setRefusal("");
  };
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (draft === null || draft === name) return done();
    try {
      await renameRun(id, draft);
      renamed();
      done();
      notify(`Renamed to “${draft}”`, async () => {
        await renameRun(id, name);
        renamed();
      });
    } catch (cause) {
      setRefusal(asFailure(cause).message);
    }
  };
  if (draft === null) {
    return (
      <h1 class="run-called">
        <Name text={name === "" ? id : name} tail={16} />
        {mayEdit(run) && (
          <button type="button" class="quiet" aria-label="Rename" title="Rename" onClick={() => setDraft(name)}>
            <Icon name="edit" />
          </button>
        )}
      </h1>
    );
  }
  return (
    <form class="run-rename" onSubmit={(event) => void save(event)}>
      <h1 class="unseen">{name}</h1>
      <input
        aria-label="Name of the run"
        value={draft}
        ref={focused}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && done()}
        aria-invalid={refusal !== ""}
      />
      <button type="submit" class="primary">
        Save
      </button>
      <button type="button" onClick={done}>
        Cancel
      </button>
      <p class="refusal" role="alert">
        {refusal}
      </p>
    </form>
  );
}

function Actions({ run, data }: { run: Run; data: RunData }): JSX.Element {
  const { run_id: id, run_name: name = id } = run.info;
  const [removing, setRemoving] = useState(false);
  const others = data.family ? counterparts(data.family) : [];
  const forks = data.family?.forks;
  const held = basket.value.includes(id);
  const first = others[0];
  const neighbours = data.family?.attempt;
  const visit = (node: LineageNode | null | undefined): void => {
    if (node) go(runRoute(node.experiment_id, node.run_id));
  };
  useKeys({
    c: {
      name: "Compare with what it comes from",
      run: () => first && go({ screen: "compare", runs: [first.node.run_id, id] }),
    },
    "[": { name: "Previous attempt", run: () => visit(neighbours?.previous) },
    "]": { name: "Next attempt", run: () => visit(neighbours?.next) },
  });
  return (
    <div class="run-actions">
      {(others.length > 0 || forks) && (
        <Menu label={<>Compare with <Icon name="down" /></>}>
          {() => (
            <>
              {others.map(({ what, node }) => (
                <a key={node.run_id} class="button menu-item" href={address({ screen: "compare", runs: [node.run_id, id] })}>
                  {what} <Name text={node.run_name} />
                </a>
              ))}
              {forks && (
                <a class="button menu-item" href={forkComparison(forks)}>
                  origin and {forks.forks.length === 1 ? "fork" : "forks"}
                </a>
              )}
            </>
          )}
        </Menu>
      )}
      <button type="button" aria-pressed={held} onClick={() => (held ? takeFromBasket([id]) : addToBasket([id]))}>
        <Icon name="basket" /> {held ? "In the basket" : "Add to basket"}
      </button>
      <Share experiment={run.info.experiment_id} />
      {mayEdit(run) && (
        <button type="button" onClick={() => setRemoving(true)}>
          <Icon name="trash" /> Delete
        </button>
      )}
      {removing && <Remove id={id} name={name} family={data.family} close={() => setRemoving(false)} changed={data.again} />}
    </div>
  );
}
