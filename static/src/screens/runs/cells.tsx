// What stands in the cells of a run.

import type { JSX } from "preact";
import { address, runRoute } from "../../state/place.ts";
import { counted, duration, number, whole } from "../../lib/format.ts";
import { marks, share } from "../../lib/progress.ts";
import { Duration, Icon, Id, Name, Status, Time } from "../../parts/basics.tsx";
import { now } from "../../state/clock.ts";
import type { Column } from "./columns.ts";
import type { Curves } from "./curves.ts";
import { InlineCurveView } from "./inline_curve.tsx";
import { EndsCell, LossCell } from "./live_cells.tsx";
import type { Row } from "./tree.ts";

/** What cells need beside their row. */
export interface CellContext {
  /** Whether a filter is at work, so that it matters which runs match. */
  filtered: boolean;
  experimentNames: ReadonlyMap<string, string>;
  curves: Curves;
}

/** A cell but for the name. */
export function CellContent({ row, column, context }: { row: Row; column: Column; context: CellContext }): JSX.Element | null {
  if (column.kind === "curve") return <CurveCell row={row} metric={column.key} curves={context.curves} />;
  if (column.kind !== "own") return <ValueCell row={row} column={column} />;
  switch (column.key) {
    case "status":
      return <StatusCell row={row} />;
    case "started":
      return <Time ms={cellTime(row, "attributes.start_time")} />;
    case "ended":
      return <Time ms={cellTime(row, "attributes.end_time")} />;
    case "duration":
      return <DurationCell row={row} />;
    case "user":
      return <Text text={cellText(row, "attributes.user_id")} />;
    case "experiment":
      return <Text text={context.experimentNames.get(row.experiment) ?? row.experiment} />;
    case "steps":
      return <StepsCell row={row} />;
    case "rate":
      return row.live?.steps_per_second ? <span class="figure">{number(Number(row.live.steps_per_second.toPrecision(3)))}</span> : null;
    case "seen":
      return <Time ms={row.progress?.last_point_time} />;
    case "loss":
      return <LossCell row={row} curves={context.curves} />;
    case "ends":
      return <EndsCell row={row} />;
    case "id":
      return <Id id={row.run} />;
    case "note":
      return <Text text={cellText(row, "tags.mlflow.note.content").split("\n", 1)[0] ?? ""} />;
    default:
      return null;
  }
}

/** The name, with what the row stands for. */
export function NameCell({ row, context, tabIndex }: { row: Row; context: CellContext; tabIndex: number }): JSX.Element {
  const { tree } = row;
  const name = cellText(row, "attributes.run_name") || row.run;
  return (
    <>
      {/* Its parts are boxes of their own, between which one would hear a gap. */}
      <a class="run-link" href={address(runRoute(row.experiment, row.run))} tabIndex={tabIndex} aria-label={name}>
        <Name text={name} />
      </a>
      {tree && <Marks row={row} context={context} tabIndex={tabIndex} />}
    </>
  );
}

/** In a few words: attempts, copies, where it was forked, why it is not below its parent, how much of it matches. */
function Marks({ row, context, tabIndex }: { row: Row; context: CellContext; tabIndex: number }): JSX.Element | null {
  const { tree } = row;
  if (tree === null) return null;
  const { attempts, copies, prepared, children, fork, parent } = tree;
  const at = typeof fork?.step === "number" ? ` at step ${whole(fork.step)}` : "";
  const forked = fork && `Forked from ${fork.name || fork.run_id.slice(0, 8)}${at}`;
  const partly = context.filtered && tree.matching < tree.runs;
  return (
    <>
      {tree.kind === "run" && <span class="mark">{roleWords(tree.role, tree.attempt)}</span>}
      {tree.kind === "training" && attempts > 1 && (
        <span class="mark" title={counted(attempts, "attempt")}>
          ×{attempts}
        </span>
      )}
      {tree.kind === "training" && copies > 0 && (
        <span class="mark" title="The same run under another id, as tools make it that copy runs between servers">
          {counted(copies, "copy", "copies")}
        </span>
      )}
      {tree.kind === "training" && prepared > 0 && <span class="mark">prepared</span>}
      {children > 0 && !partly && (
        <span class="mark" title={`${counted(children, "run or training", "runs or trainings")} nested in it`}>
          {counted(children, "child", "children")}
        </span>
      )}
      {fork &&
        (fork.experiment_id !== undefined ? (
          <a class="mark" href={address(runRoute(fork.experiment_id, fork.run_id))} tabIndex={tabIndex} title={forked}>
            <Icon name="fork" />
            <span class="unseen">{forked}</span>
          </a>
        ) : (
          <span class="mark" title={`${forked}, which is not here`}>
            <Icon name="fork" />
            origin not here
          </span>
        ))}
      {parent && (
        <span class="mark" title={`It says that it is nested in ${parent.run_id}`}>
          {PARENTS[parent.state]}
        </span>
      )}
      {partly && <span class="mark">{matchWords(row)}</span>}
    </>
  );
}

const PARENTS = {
  deleted: "parent deleted",
  elsewhere: "parent elsewhere",
  missing: "parent not here",
  cycle: "nested in itself",
} as const;

function roleWords(role: string | undefined, attempt: number | undefined): string {
  if (role === "prepared") return "prepared";
  return role === "copy" ? `copy of attempt ${attempt ?? "?"}` : `attempt ${attempt ?? "?"}`;
}

/** `3 of 24 children match`, or of runs where some of them are attempts. */
function matchWords({ tree }: Row): string {
  if (tree === null) return "";
  const members = tree.kind === "run" ? 1 : tree.attempts + tree.copies + tree.prepared;
  const nested = tree.runs - members;
  if (nested > 0 && !tree.matches) return `${whole(tree.matching)} of ${counted(nested, "child", "children")} match`;
  if (nested > 0 && members === 1) return `${whole(tree.matching - 1)} of ${counted(nested, "child", "children")} match`;
  return `${whole(tree.matching)} of ${counted(tree.runs, "run")} match`;
}

function StatusCell({ row }: { row: Row }): JSX.Element {
  const status = cellText(row, "attributes.status");
  const [worst, ...others] = marks(status, row.progress, row.live, now.value);
  const done = status === "RUNNING" ? share(row.progress) : null;
  return (
    <>
      <Status status={status} />
      {worst !== undefined && (
        <span class="silent" title={[worst, ...others].join(" · ")}>
          {worst}
          {others.length > 0 && <span class="unseen">, {others.join(", ")}</span>}
        </span>
      )}
      {done !== null && (
        <span class="done" title={`step ${whole(row.progress?.last_step ?? 0)} of ${whole(row.progress?.max_steps ?? 0)}`}>
          {worst === undefined && <span class="done-bar" style={{ "--done": String(done) }} aria-hidden="true" />}
          {Math.floor(done * 100)} %
        </span>
      )}
    </>
  );
}

/** A training of several attempts took the time of all of them. */
function DurationCell({ row }: { row: Row }): JSX.Element | null {
  const total = row.tree?.kind === "training" ? row.tree.training_time : undefined;
  if (total !== undefined) return <span class="figure" title={`${counted(row.tree?.attempts ?? 0, "attempt")} together`}>{duration(total)}</span>;
  const status = cellText(row, "attributes.status");
  const end = cellTime(row, "attributes.end_time");
  // What was killed from outside never said when.
  if (end === null && status !== "RUNNING") return null;
  return <Duration from={cellTime(row, "attributes.start_time")} to={end} />;
}

function StepsCell({ row }: { row: Row }): JSX.Element | null {
  const steps = row.tree?.steps ?? row.progress?.last_step;
  const max = cellText(row, "attributes.status") === "RUNNING" ? (row.progress?.max_steps ?? null) : null;
  return steps === undefined ? null : <span class="figure">{max === null ? whole(steps) : `${whole(steps)} / ${whole(max)}`}</span>;
}

function ValueCell({ row, column }: { row: Row; column: Column }): JSX.Element | null {
  const value = row.cells.get(column.id);
  if (value === undefined || value === null) return null;
  if (column.kind === "metric") return <span class="figure" title={String(value)}>{number(value)}</span>;
  return <Text text={String(value)} />;
}

function CurveCell({ row, metric, curves }: { row: Row; metric: string; curves: Curves }): JSX.Element | null {
  const seen = curves.version.value;
  const curve = seen >= 0 ? curves.of(metric, row.run) : null;
  return curve ? <InlineCurveView curve={curve} metric={metric} /> : null;
}

function Text({ text }: { text: string }): JSX.Element | null {
  return text === "" ? null : <bdi title={text}>{text}</bdi>;
}

export function cellText(row: Row, field: string): string {
  const value = row.cells.get(field);
  return value === undefined || value === null ? "" : String(value);
}

function cellTime(row: Row, field: string): number | null {
  const value = row.cells.get(field);
  return typeof value === "number" ? value : null;
}
