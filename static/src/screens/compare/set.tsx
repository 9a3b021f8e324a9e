import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Signal } from "@preact/signals";
import type { Ink } from "../../lib/colours.ts";
import { originWords } from "../../lib/forks.ts";
import type { Fork } from "../../lib/forks.ts";
import { Icon, Name, Status } from "../../parts/basics.tsx";
import type { IconName } from "../../parts/basics.tsx";
import { InkSign } from "../../parts/ink.tsx";
import { address, runRoute } from "../../state/place.ts";
import type { Facts } from "../../state/run_facts.ts";

/** What can be done to the set of a comparison. */
export interface SetActions {
  setBase: (run: string) => void;
  hide: (run: string) => void;
  remove: (run: string) => void;
  /** Puts the run at one place to another. */
  move: (from: number, to: number) => void;
  /** Points at a run, on all of the screen; null at none. */
  point: (run: string | null) => void;
}

/** The runs that are compared, in order, each with what can be done to it. Dragging moves them too. */
export function CompareSet({
  runs,
  inks,
  forks,
  base,
  hidden,
  pointed,
  actions,
}: {
  runs: readonly Facts[];
  inks: ReadonlyMap<string, Ink>;
  /** Those that are forks. */
  forks: ReadonlyMap<string, Fork>;
  base: string | undefined;
  hidden: readonly string[];
  pointed: Signal<string | null>;
  actions: SetActions;
}): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const [dragged, drag] = useState<number | null>(null);
  const [target, aim] = useState<number | null>(null);
  const focusNext = useRef<{ place: number; action: string } | null>(null);
  // A button moves with its run and goes with it; the focus is put where one expects it.
  useLayoutEffect(() => {
    const wanted = focusNext.current;
    focusNext.current = null;
    if (wanted === null) return;
    const item = list.current?.children[Math.min(wanted.place, runs.length - 1)];
    // At an end of the list one cannot go on; the neighbour leads back.
    const button = item?.querySelector<HTMLElement>(`[data-action=${wanted.action}]:enabled`) ?? item?.querySelector<HTMLElement>("button:enabled");
    button?.focus();
  }, [runs]);
  const move = (from: number, to: number, action: string): void => {
    focusNext.current = { place: to, action };
    actions.move(from, to);
  };
  const remove = (place: number, run: string): void => {
    focusNext.current = { place, action: "remove" };
    actions.remove(run);
  };
  const end = (): void => {
    drag(null);
    aim(null);
  };
  return (
    <ol class="compare-set" ref={list} aria-label="Runs that are compared">
      {runs.map((run, place) => (
        <li
          key={run.id}
          data-hidden={hidden.includes(run.id)}
          data-pointed={pointed.value === run.id}
          data-target={dragged === null || target !== place || target === dragged ? undefined : dragged < place ? "after" : "before"}
          draggable
          onPointerEnter={() => actions.point(run.id)}
          onPointerLeave={() => actions.point(null)}
          onFocusIn={() => actions.point(run.id)}
          onFocusOut={() => actions.point(null)}
          onDragStart={(event) => {
            event.dataTransfer?.setData("text/plain", run.name);
            drag(place);
          }}
          onDragOver={(event) => {
            if (dragged === null) return;
            event.preventDefault();
            aim(place);
          }}
          onDrop={(event) => {
            event.preventDefault();
            if (dragged !== null && dragged !== place) actions.move(dragged, place);
            end();
          }}
          onDragEnd={end}
        >
          <InkSign ink={inks.get(run.id)} />
          <span class="compare-set-name">
            <a href={address(runRoute(run.experiment, run.id))} draggable={false}>
              <Name text={run.name} tail={16} />
            </a>
            <ForkWords fork={forks.get(run.id)} />
          </span>
          <span class="compare-set-experiment hint">
            <Name text={run.experimentName} />
          </span>
          <code class="hint" title={run.id}>
            {run.id.slice(0, 8)}
          </code>
          <Status status={run.status} />
          <span class="compare-set-actions">
            <button
              type="button"
              class="quiet"
              aria-pressed={run.id === base}
              aria-label={`Base: ${run.name}`}
              title="Compare the others with this run"
              onClick={() => actions.setBase(run.id)}
            >
              Base
            </button>
            <Act action="earlier" icon="left" name="Move earlier" run={run} able={place > 0} act={() => move(place, place - 1, "earlier")} />
            <Act action="later" icon="right" name="Move later" run={run} able={place < runs.length - 1} act={() => move(place, place + 1, "later")} />
            {hidden.includes(run.id) ? (
              <Act action="hide" icon="hidden" name="Show" run={run} act={() => actions.hide(run.id)} />
            ) : (
              <Act action="hide" icon="eye" name="Hide" run={run} act={() => actions.hide(run.id)} />
            )}
            <Act action="remove" icon="close" name="Remove" run={run} act={() => remove(place, run.id)} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function ForkWords({ fork }: { fork: Fork | undefined }): JSX.Element | null {
  if (fork === undefined) return null;
  const words = originWords(fork);
  return (
    <span class="hint compare-set-fork" title={words}>
      <Icon name="fork" /> <bdi>{words}</bdi>
    </span>
  );
}

/** A button that does something to a run. */
function Act({
  action,
  icon,
  name,
  run,
  able = true,
  act,
}: {
  action: string;
  icon: IconName;
  name: string;
  run: Facts;
  able?: boolean;
  act: () => void;
}): JSX.Element {
  return (
    <button type="button" class="quiet" data-action={action} aria-label={`${name}: ${run.name}`} title={name} disabled={!able} onClick={act}>
      <Icon name={icon} />
    </button>
  );
}
