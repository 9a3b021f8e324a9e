import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { Entry } from "../../api/artifacts.ts";
import { useKeys } from "../../frame/keys.ts";
import { counted, whole } from "../../lib/format.ts";
import { frameAt, sharedSeries, stepped } from "../../lib/image_series.ts";
import type { Frame, Shared } from "../../lib/image_series.ts";
import { Section } from "../../parts/basics.tsx";
import { Picture, StepBar, preload, useLinked } from "../../parts/frames.tsx";
import type { Linked, PictureFile } from "../../parts/frames.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { change, place } from "../../state/router.ts";
import type { Facts } from "../../state/run_facts.ts";
import { findImageFolders, listInAll } from "./image_folders.ts";
import { RunHead } from "./run_head.tsx";
import type { Compared } from "./run_head.tsx";

/** Pause between two looks at the images of runs that go on, ms: a request a run. */
const LOOK_MS = 30_000;

/** The same picture, or series of pictures, of every run side by side, with one step for all (design: 6.4). */
export function Images({ compared }: { compared: Compared }): JSX.Element {
  const { columns, ids } = compared;
  const real = place.value.state.real === "1";
  // The base first: its folders are those that are offered.
  const order = columns.map(({ id }) => id);
  const found = useAsk(`${order[0] ?? ""}|${ids.join()}`, (signal) => findImageFolders(order, signal));
  const folders = found.answer?.folders ?? [];
  const { folder, key } = chosenIn(place.value.state.img);
  // A link may lead to a folder that the base does not have.
  const shownFolder = folder ?? found.answer?.best;
  const listed = useAsk(shownFolder === undefined ? null : `${shownFolder}|${ids.join()}`, (signal) => listInAll(ids, shownFolder ?? "", signal));
  const running = columns.some(({ status }) => status === "RUNNING");
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => document.hidden || listed.again(), LOOK_MS);
    return () => clearInterval(timer);
  }, [running]);
  const files = listed.answer?.files;
  const series = useMemo(() => sharedSeries(columns.map(({ id }) => files?.get(id) ?? [])), [files, order.join()]);
  const chosen = series.find((one) => one.key === key) ?? series[0];
  const choose = (next: string, nextKey?: string): void => change({ img: `${next}/${nextKey ?? ""}`, step: undefined });
  const offered = shownFolder === undefined || folders.includes(shownFolder) ? folders : [shownFolder, ...folders];
  const having = (one: Shared<Entry>): number => one.frames.filter(({ length }) => length > 0).length;
  return (
    <Section
      title="Images"
      aside={
        shownFolder !== undefined && (
          <>
            {found.answer?.more && <p class="hint">The first folders that have images</p>}
            <span class="section-end">
              <select aria-label="Folder" value={shownFolder} onChange={(event) => choose(event.currentTarget.value)}>
                {offered.map((path) => (
                  <option key={path} value={path}>
                    {path === "" ? "All artifacts" : shortened(path)}
                  </option>
                ))}
              </select>
              <select aria-label="Image" value={chosen?.key} disabled={series.length === 0 || listed.stale} onChange={(event) => choose(shownFolder, event.currentTarget.value)}>
                {series.slice(0, MOST_OFFERED).map((one) => (
                  <option key={one.key} value={one.key}>
                    {shortened(one.name)} – {whole(having(one))} of {counted(columns.length, "run")}
                  </option>
                ))}
              </select>
              <span class="choice" role="group" aria-label="Size">
                <button type="button" aria-pressed={!real} onClick={() => change({ real: undefined })}>
                  Fit
                </button>
                <button type="button" aria-pressed={real} onClick={() => change({ real: "1" })}>
                  1:1
                </button>
              </span>
            </span>
          </>
        )
      }
    >
      <Answered asked={found} what="The images" lines={3}>
        {(answer) =>
          answer === null && folder === undefined ? (
            <Empty title="No images were found.">
              <p>Images that runs log as artifacts are compared here: those of the same name, or of the same key and step.</p>
            </Empty>
          ) : (
            <Answered asked={listed} what="The images" lines={3}>
              {({ folder: of, more }) => (
                <>
                  {chosen === undefined ? (
                    <Empty title="There is no image in this folder." />
                  ) : (
                    <SideBySide key={`${of}/${chosen.key}`} compared={compared} folder={of} shared={chosen} real={real} />
                  )}
                  {(more || series.length > MOST_OFFERED) && <p class="hint">The folder has more files than are looked at here.</p>}
                </>
              )}
            </Answered>
          )
        }
      </Answered>
    </Section>
  );
}

/** As many pictures and series are offered of a folder. */
const MOST_OFFERED = 500;

/** What an address says is chosen: a folder, and after its last slash what in it. */
function chosenIn(text: string | undefined): { folder?: string; key?: string } {
  const end = text?.lastIndexOf("/") ?? -1;
  return text === undefined || end < 0 ? {} : { folder: text.slice(0, end), key: text.slice(end + 1) };
}

/** A name that leaves room for what is beside it. */
function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= 60 ? text : `${characters.slice(0, 30).join("")}…${characters.slice(-28).join("")}`;
}

function SideBySide({ compared, folder, shared, real }: { compared: Compared; folder: string; shared: Shared<Entry>; real: boolean }): JSX.Element {
  const linked = useLinked();
  const { columns } = compared;
  const steps = useMemo(() => [...new Set(shared.frames.flat().map(({ step }) => step))].sort((one, other) => one - other), [shared]);
  const isSeries = steps.length > 1;
  const move = (by: number): void => {
    linked.step.value = stepped(steps, linked.step.value, by);
  };
  useKeys(isSeries ? { "[": { name: "Previous step", run: () => move(-1) }, "]": { name: "Next step", run: () => move(1) } } : {});
  const of = (run: Facts, file: Entry): PictureFile => ({ run: run.id, experiment: run.experiment, folder, file });
  const ready = (step: number): Promise<unknown> =>
    Promise.all(
      columns.map((run, place) => {
        const frame = shownAt(shared.frames[place] ?? [], step);
        return frame && preload(of(run, frame.file));
      }),
    );
  return (
    <>
      {isSeries && <StepBar steps={steps} linked={linked} ready={ready} />}
      <div class="side-by-side" data-real={real}>
        {columns.map((run, place) => (
          <RunPicture key={run.id} compared={compared} place={place} frames={shared.frames[place] ?? []} first={steps[0] ?? 0} linked={linked} isSeries={isSeries} real={real} of={(file) => of(run, file)} />
        ))}
      </div>
    </>
  );
}

/** What a run had last at a step. */
function shownAt(frames: readonly Frame<Entry>[], step: number): Frame<Entry> | undefined {
  const frame = frames[frameAt(frames.map((one) => one.step), step)];
  return frame && frame.step <= step ? frame : undefined;
}

function RunPicture({
  compared,
  place: column,
  frames,
  first,
  linked,
  isSeries,
  real,
  of,
}: {
  compared: Compared;
  place: number;
  frames: readonly Frame<Entry>[];
  /** The first step that any run has. */
  first: number;
  linked: Linked;
  isSeries: boolean;
  real: boolean;
  of: (file: Entry) => PictureFile;
}): JSX.Element | null {
  const run = compared.columns[column];
  if (run === undefined) return null;
  const step = linked.step.value ?? first;
  const frame = shownAt(frames, step);
  return (
    <figure class="series-card panel">
      <figcaption>
        <RunHead run={run} ink={compared.inks.get(run.id)} isBase={column === 0} pointed={compared.pointed} />
        {isSeries && frame && <span class={frame.step === step ? "hint" : "hint odd-step"}>step {whole(frame.step)}</span>}
      </figcaption>
      {frame ? (
        <Picture of={of(frame.file)} alt={isSeries ? `${run.name}, step ${frame.step}` : run.name} real={real} />
      ) : (
        <div class="picture">
          <span class="hint">{frames.length === 0 ? "This run does not have it." : `Nothing up to step ${whole(step)}.`}</span>
        </div>
      )}
    </figure>
  );
}
