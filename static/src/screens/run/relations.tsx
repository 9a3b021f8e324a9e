import type { ComponentChildren, JSX } from "preact";
import type { LineageNode } from "../../api/runs.ts";
import type { Family, Relative } from "../../lib/family.ts";
import { counted, whole } from "../../lib/format.ts";
import { Icon, Name } from "../../parts/basics.tsx";
import { forkComparison } from "../../state/forks.ts";
import { address, runRoute } from "../../state/place.ts";

/** A run that one would compare with, and what it is to this one. */
export interface Counterpart {
  what: string;
  node: LineageNode;
}

/** What this run comes from, what says most first. */
export function counterparts(family: Family): readonly Counterpart[] {
  const { origin, attempt, parent, copyOf } = family;
  const found: (Counterpart | null)[] = [
    named("origin", origin?.node),
    named("previous attempt", attempt?.previous),
    named("first attempt", attempt?.first),
    named("parent", parent?.node),
    named("original", copyOf?.node),
  ];
  const seen = new Set<string>(attempt?.previous === null ? [attempt.first.run_id] : []);
  return found.filter((one): one is Counterpart => {
    if (one === null || seen.has(one.node.run_id)) return false;
    seen.add(one.node.run_id);
    return true;
  });
}

function named(what: string, node: LineageNode | null | undefined): Counterpart | null {
  return node ? { what, node } : null;
}

/** How the run stands to others, in words and links; nothing where it stands alone. */
export function Relations({ family, self }: { family: Family; self: Pick<LineageNode, "experiment_id" | "run_id"> }): JSX.Element | null {
  const { attempt, resumed, parent, origin, forks, copyOf, copies, prepared, children } = family;
  const said: JSX.Element[] = [];
  const say = (key: string, ...words: ComponentChildren[]): void => void said.push(<li key={key}>{words}</li>);
  if (prepared) say("prepared", "prepared: this run only reserved its id");
  if (attempt) {
    say(
      "attempt",
      `attempt ${attempt.number} of ${attempt.of} of `,
      <RunLink node={attempt.first} />,
      attempt.previous && <Step node={attempt.previous} name="previous" icon="left" />,
      attempt.next && <Step node={attempt.next} name="next" icon="right" />,
      <a class="button quiet" href={address(runRoute(self.experiment_id, self.run_id, "model-metrics"), { x: "joined" })}>
        curves of the whole training
      </a>,
    );
  }
  if (resumed) say("resumed", "resumed from ", <RelativeLink relative={resumed} />);
  if (origin) {
    const at = origin.step === null ? "" : ` at step ${whole(origin.step)}`;
    const curves = origin.step !== null && origin.node && (
      <a class="button quiet" href={address(runRoute(self.experiment_id, self.run_id, "model-metrics"), { origin: "1" })}>
        curves from the origin on
      </a>
    );
    say("fork", <Icon name="fork" />, " forked from ", <RelativeLink relative={origin} />, at, curves);
  }
  if (forks) {
    say(
      "forks",
      <Icon name="fork" />,
      " ",
      <a href={address(runRoute(self.experiment_id, self.run_id, "lineage"))}>{counted(forks.forks.length, "fork")}</a>,
      <a class="button quiet" href={forkComparison(forks)}>
        compare with the origin
      </a>,
    );
  }
  if (parent) say("parent", "nested in ", <RelativeLink relative={parent} />);
  if (children > 0) say("children", `${counted(children, "run")} nested in it`);
  if (copyOf) say("copy", "copy of ", <RelativeLink relative={copyOf} />);
  if (copies.length > 0) {
    say("copies", `${counted(copies.length, copyOf ? "other copy" : "copy", copyOf ? "other copies" : "copies")}: `, copies.map((node) => <RunLink key={node.run_id} node={node} />));
  }
  return said.length === 0 ? null : <ul class="relations">{said}</ul>;
}

function RelativeLink({ relative: { run_id: id, node } }: { relative: Relative }): JSX.Element {
  if (node) return <RunLink node={node} />;
  return (
    <span>
      <code title={id}>{id.slice(0, 8)}</code> <span class="hint">(not here)</span>
    </span>
  );
}

/** A link to a run; it says when that is in the trash. */
export function RunLink({ node }: { node: LineageNode }): JSX.Element {
  return (
    <span class="other-run">
      <a href={address(runRoute(node.experiment_id, node.run_id))}>
        <Name text={node.run_name === "" ? node.run_id.slice(0, 8) : node.run_name} />
      </a>
      {node.lifecycle_stage === "deleted" && <span class="hint"> (in the trash)</span>}
    </span>
  );
}

function Step({ node, name, icon }: { node: LineageNode; name: string; icon: "left" | "right" }): JSX.Element {
  return (
    <a class="button quiet" href={address(runRoute(node.experiment_id, node.run_id))}>
      {icon === "left" && <Icon name={icon} />}
      {name}
      {icon === "right" && <Icon name={icon} />}
    </a>
  );
}
