import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Experiment } from "../api/experiments.ts";
import { Icon, Name } from "../parts/basics.tsx";
import { Menu } from "../parts/menu.tsx";
import { Picker } from "../parts/picker.tsx";
import type { Choice } from "../parts/picker.tsx";
import { attempt } from "../parts/notice.tsx";
import { counted } from "../lib/format.ts";
import { experiments, learnExperiments, shareExperiments } from "../state/experiments.ts";
import { address } from "../state/place.ts";
import type { Route } from "../state/place.ts";
import { go, place } from "../state/router.ts";

/** As many as are shown at once; more is a matter of typing. */
const SHOWN = 50;

/** The experiment one is in, and the way to another. */
export function Switcher(): JSX.Element {
  const { route } = place.value;
  useEffect(() => {
    if (experiments.value === undefined) void shareExperiments().catch(() => undefined);
  }, [route.screen]);
  return (
    <Menu
      quiet
      label={
        <>
          <span class="switcher-name">{whereabouts(route, experiments.value ?? [])}</span>
          <Icon name="down" />
        </>
      }
    >
      {(close) => <Experiments close={close} />}
    </Menu>
  );
}

function whereabouts(route: Route, known: readonly Experiment[]): JSX.Element | string {
  if (route.screen === "runs" && route.experiments.length > 1) return counted(route.experiments.length, "experiment");
  const id = route.screen === "runs" ? route.experiments[0] : route.screen === "run" ? route.experiment : undefined;
  if (id === undefined) return "All experiments";
  const name = known.find((experiment) => experiment.experiment_id === id)?.name;
  return name === undefined ? `Experiment ${id}` : <Name text={name} />;
}

function Experiments({ close }: { close: () => void }): JSX.Element {
  const [text, setText] = useState("");
  useEffect(() => void attempt("Listing the experiments", async () => void (await learnExperiments())), []);
  const lead = (key: string, label: string, about: string, route: Route): Choice => ({
    key,
    label: <Name text={label} />,
    about,
    href: address(route),
    pick: () => {
      close();
      go(route);
    },
  });
  const wanted = text.trim().toLowerCase();
  const found = (experiments.value ?? []).filter((experiment) => experiment.name.toLowerCase().includes(wanted));
  const latest = [...found].sort((one, other) => other.last_activity - one.last_activity).slice(0, SHOWN);
  const groups = [
    {
      title: found.length > SHOWN ? `Experiments, the latest ${SHOWN} of ${found.length}` : "Experiments",
      choices: latest.map(({ experiment_id: id, name, runs }) => lead(id, name, counted(runs, "run"), { screen: "runs", experiments: [id] })),
    },
    {
      title: "All",
      choices: wanted === "" ? [lead("all", "Runs of all experiments", "", { screen: "runs", experiments: [] }), lead("list", "All experiments", "", { screen: "experiments" })] : [],
    },
  ];
  return (
    <div class="switcher">
      <Picker
        label="Find an experiment"
        placeholder="Type to find an experiment"
        text={text}
        onText={setText}
        groups={groups}
        none={experiments.value === undefined ? "…" : "No experiment has such a name."}
      />
    </div>
  );
}
