import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { find, getRun } from "../api/runs.ts";
import type { Found } from "../api/runs.ts";
import { sentence } from "../lib/format.ts";
import { pastedPlace } from "../state/pasted.ts";
import { Name, Status, Time } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { notify } from "../parts/notice.tsx";
import { Picker } from "../parts/picker.tsx";
import type { Choice, ChoiceGroup } from "../parts/picker.tsx";
import { asFailure, useAsk } from "../state/ask.ts";
import { address, runRoute } from "../state/place.ts";
import type { Place, Route } from "../state/place.ts";
import { go } from "../state/router.ts";
import { hasViews } from "../state/session.ts";
import { activeActions } from "./actions.ts";
import { KeyCaps } from "./key_list.tsx";

const isOpen = signal(false);

export function openPalette(): void {
  isOpen.value = true;
}

/** The command palette: finds experiments and runs, and does what can be done here. */
export function Palette(): JSX.Element | null {
  return isOpen.value ? <OpenPalette close={() => (isOpen.value = false)} /> : null;
}

/** As many of a kind are shown at once; more is a matter of typing. */
const SHOWN = 24;
/** As many saved views before anything is typed, when they stand before the actions of the page. */
const SHOWN_FIRST = 4;
/** Pause after typing before the server is asked, ms. */
const PAUSE_MS = 150;

function OpenPalette({ close }: { close: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const wanted = useSettled(text.trim(), PAUSE_MS);
  const asked = useAsk(wanted === "" ? null : wanted, (signal) => find(wanted, 8, signal));
  // What cannot be had is not offered.
  const { answer: views = [] } = useAsk(hasViews.value ? "views" : null, async (signal) => (await import("../parts/views.tsx")).allViews(signal));
  const pick = (act: () => void) => () => {
    close();
    act();
  };
  const has = (name: string): boolean => name.toLowerCase().includes(text.trim().toLowerCase());
  const groups: readonly ChoiceGroup[] = [
    { title: "Go to", choices: pasted(text, pick) },
    ...(wanted === "" || asked.answer === undefined ? [] : foundGroups(asked.answer, pick)),
    {
      title: "Saved views",
      choices: views
        .filter(({ name }) => has(name ?? ""))
        .slice(0, wanted === "" ? SHOWN_FIRST : SHOWN)
        .map(({ key, name }) => ({ key: `view ${key}`, label: <Name text={name ?? ""} />, pick: pick(() => go({ screen: "view", key })) })),
    },
    ...activeActions().map(({ title, actions }) => ({
      title,
      choices: actions
        .filter(({ name, run }) => run !== openPalette && has(name))
        .slice(0, SHOWN)
        .map(({ name, run, shortcut }, index) => ({
          key: `${title} ${index} ${name}`,
          label: name,
          about: shortcut === undefined ? undefined : <KeyCaps shortcut={shortcut} />,
          pick: pick(run),
        })),
    })),
  ];
  const isSearching = text.trim() !== wanted || asked.waiting || asked.stale;
  return (
    <Dialog title="Search" close={close} bare>
      <Picker
        label="Search"
        placeholder="A name, a run id, a SLURM job, a link, an action"
        text={text}
        onText={setText}
        onPaste={(clip) => {
          const target = pastedPlace(clip);
          if (target !== null) pick(() => void follow(target))();
        }}
        groups={groups}
        none={asked.failure ? `Nothing can be found now: ${asked.failure.message}` : isSearching ? "Searching…" : "Nothing has such a name or id."}
      />
    </Dialog>
  );
}

function foundGroups(found: Found, pick: (act: () => void) => () => void): readonly ChoiceGroup[] {
  const lead = (key: string, name: string, route: Route, about: JSX.Element | string): Choice => ({
    key,
    label: <Name text={name} />,
    about,
    href: address(route),
    pick: pick(() => go(route)),
  });
  return [
    {
      title: "Experiments",
      choices: found.experiments.map(({ experiment_id: id, name }) => lead(`experiment ${id}`, name, { screen: "runs", experiments: [id] }, "")),
    },
    {
      title: "Runs",
      choices: found.runs.map((run) =>
        lead(
          `run ${run.run_id}`,
          run.run_name || run.run_id,
          runRoute(run.experiment_id, run.run_id),
          <>
            <Status status={run.status} />
            <Time ms={run.start_time} />
            <span class="picker-place">
              <Name text={run.experiment_name} />
            </span>
            <code>{run.run_id.slice(0, 8)}</code>
          </>,
        ),
      ),
    },
  ];
}

function pasted(text: string, pick: (act: () => void) => () => void): readonly Choice[] {
  const target = pastedPlace(text);
  if (target === null) return [];
  const label = target.route.screen === "run" ? `The run ${target.route.run.slice(0, 8)}` : "The place of this link";
  return [{ key: "pasted", label, pick: pick(() => void follow(target)) }];
}

/** Goes to what somebody pasted. A run is looked for by its id alone: on another server it may be in another experiment. */
async function follow({ route, state }: Place): Promise<void> {
  if (route.screen !== "run") {
    go(route, state);
    return;
  }
  try {
    const { info } = await getRun(route.run);
    go({ ...route, experiment: info.experiment_id }, state);
  } catch (cause) {
    notify(sentence(`The run ${route.run.slice(0, 8)} cannot be shown: ${asFailure(cause).message}`));
  }
}

/** A value once it has not changed for a while. */
function useSettled<Value>(value: Value, pauseMs: number): Value {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), pauseMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
