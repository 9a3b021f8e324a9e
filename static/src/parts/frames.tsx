// Pictures with a step each: one of them, the slider that chooses it, and what links several to one step.

import { effect, useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fileUrl } from "../api/artifacts.ts";
import type { Entry } from "../api/artifacts.ts";
import { joined } from "../lib/artifact_kind.ts";
import { size, whole } from "../lib/format.ts";
import { frameAt, stepped } from "../lib/image_series.ts";
import { address, runRoute } from "../state/place.ts";
import { change, place } from "../state/router.ts";
import { Icon } from "./basics.tsx";
import { isHeldBack, largeToo } from "./large.ts";

/** What all cards of a page have in common. */
export interface Linked {
  /** The step that all show, or what they have before it; null until somebody chose one. */
  step: Signal<number | null>;
  /** The slider that plays, if one does. */
  player: Signal<string | null>;
}

/** After a step did not change for so long it stands in the address, ms. */
const SETTLE_MS = 400;

/** The step of this page, which stands in its address. */
export function useLinked(): Linked {
  const told = place.value.state.step;
  const step = useSignal(stepIn(told));
  const player = useSignal<string | null>(null);
  // At once: whoever is already at the next picture stays there.
  useLayoutEffect(() => {
    step.value = stepIn(told);
  }, [told]);
  const settle = (): (() => void) | undefined => {
    const { value } = step;
    // A screen that is drawn anew for every picture would stutter.
    if (player.value !== null) return;
    const timer = setTimeout(() => change({ step: value === null ? undefined : String(value) }, "replace"), SETTLE_MS);
    return () => clearTimeout(timer);
  };
  // It ends with the screen at once: the next one has an address of its own.
  useLayoutEffect(() => effect(settle), []);
  return { step, player };
}

function stepIn(text: string | undefined): number | null {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

/** A file of a run that is a picture. */
export interface PictureFile {
  run: string;
  experiment: string;
  folder: string;
  file: Entry;
}

/** Where a picture is to be had; the time makes it another one when the file was overwritten. */
export function pictureUrl({ run, folder, file }: PictureFile): string {
  return `${fileUrl(run, joined(folder, file.name))}&of=${file.modified_ms ?? 0}`;
}

/** Tells the styles how large a picture is, as `onLoad` of it: where it is to fit, they make a small one larger. */
export function measured({ currentTarget: { style, naturalWidth: wide, naturalHeight: high } }: { currentTarget: HTMLImageElement }): void {
  style.setProperty("--wide", String(wide || 300));
  style.setProperty("--high", String(high || 150));
}

/** A picture that leads to its file; `alt` says what it is of, `real` shows it point by point. */
export function Picture({ of, alt, real = false }: { of: PictureFile; alt: string; real?: boolean }): JSX.Element {
  const [broken, setBroken] = useState<string>();
  const url = pictureUrl(of);
  const { file } = of;
  if (isHeldBack(file.size_bytes)) {
    return (
      <div class="picture">
        <button type="button" onClick={() => (largeToo.value = true)}>
          Show pictures of {size(file.size_bytes ?? 0)}
        </button>
      </div>
    );
  }
  return (
    <a class="picture" data-real={real} href={address(runRoute(of.experiment, of.run, "artifacts", joined(of.folder, file.name)))}>
      {broken === url ? <span class="hint">This image cannot be shown.</span> : <img src={url} alt={alt} loading="lazy" onLoad={measured} onError={() => setBroken(url)} />}
    </a>
  );
}

/** Pictures that were fetched ahead of time, the newest last; the browser keeps what somebody holds. */
const ahead = new Map<string, HTMLImageElement>();
const MOST_AHEAD = 200;

/** Fetches a picture; done when it is there, or will not come. */
export function preload(of: PictureFile): Promise<void> {
  if (isHeldBack(of.file.size_bytes)) return Promise.resolve();
  const url = pictureUrl(of);
  const image = ahead.get(url) ?? new Image();
  if (!ahead.has(url)) {
    image.src = url;
    ahead.set(url, image);
    const [oldest] = ahead.keys();
    if (ahead.size > MOST_AHEAD && oldest !== undefined) ahead.delete(oldest);
  }
  return image.decode().catch(() => undefined);
}

/** Pause between two pictures, ms; longer where people want less motion. */
const PACE_MS = 500;
const CALM_PACE_MS = 2_000;

/** Chooses one of some steps, which are in order, and plays them. `ready` fetches what is shown at a step. */
export function StepBar({ steps, linked, ready }: { steps: readonly number[]; linked: Linked; ready: (step: number) => Promise<unknown> }): JSX.Element {
  const { step, player } = linked;
  const id = useId();
  const at = step.value === null ? 0 : frameAt(steps, step.value);
  const plays = player.value === id;
  const latest = useRef({ steps, ready });
  latest.current = { steps, ready };
  const move = (by: number): void => {
    player.value = null;
    step.value = stepped(steps, step.value, by);
  };
  // Neighbours are there before somebody asks, once somebody asked for any.
  useEffect(() => {
    if (step.value === null) return;
    for (const by of [1, -1]) void ready(stepped(steps, step.value, by) ?? 0);
  }, [step.value]);
  useEffect(() => {
    if (!plays) return;
    let over = false;
    const pace = matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM_PACE_MS : PACE_MS;
    const play = async (): Promise<void> => {
      while (!over) {
        const { steps: all, ready: fetchAll } = latest.current;
        const next = stepped(all, step.value, 1);
        if (next === null || next === stepped(all, step.value, 0)) break;
        await Promise.all([fetchAll(next), new Promise((resolve) => setTimeout(resolve, pace))]);
        if (!over) step.value = next;
      }
      if (!over) player.value = null;
    };
    void play();
    return () => {
      over = true;
    };
  }, [plays]);
  const toggle = (): void => {
    // From the end it begins anew.
    if (!plays && at === steps.length - 1) step.value = steps[0] ?? null;
    player.value = plays ? null : id;
  };
  return (
    <div class="step-bar" role="group" aria-label="Step">
      <button type="button" class="quiet" aria-label="Previous step" title="Previous step ([)" disabled={at === 0} onClick={() => move(-1)}>
        <Icon name="left" />
      </button>
      <button type="button" class="quiet" aria-label={plays ? "Pause" : "Play"} title={plays ? "Pause" : "Play"} onClick={toggle}>
        <Icon name={plays ? "pause" : "play"} filled />
      </button>
      <button type="button" class="quiet" aria-label="Next step" title="Next step (])" disabled={at === steps.length - 1} onClick={() => move(1)}>
        <Icon name="right" />
      </button>
      <input
        type="range"
        aria-label="Step"
        aria-valuetext={whole(steps[at] ?? 0)}
        min={0}
        max={steps.length - 1}
        value={at}
        onInput={(event) => {
          player.value = null;
          step.value = steps[Number(event.currentTarget.value)] ?? null;
        }}
      />
      <span class="figure hint">
        {whole(steps[at] ?? 0)} <span class="step-count">({whole(at + 1)} of {whole(steps.length)})</span>
      </span>
    </div>
  );
}
