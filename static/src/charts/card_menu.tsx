import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Series } from "../api/series.ts";
import { seriesCsv } from "../api/series.ts";
import { copyText } from "../lib/clipboard.ts";
import { Icon } from "../parts/basics.tsx";
import { Dialog, Field, Form } from "../parts/dialog.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { attempt, notify } from "../parts/notice.tsx";
import { formatPlace } from "../state/place.ts";
import { change, place } from "../state/router.ts";
import { AsTable } from "./as_table.tsx";
import { choiceFor, withChoice } from "./choices.ts";
import { saveCard } from "./save_card.ts";
import type { Standing } from "./save_card.ts";
import type { Scene } from "./scene.ts";
import type { Card } from "./sections.ts";
import { combinedOf, limitsOf, limitsText, scaleWish } from "./settings.ts";

type Asking = "limits" | "combine" | "table" | null;

/** What can be done with a card. */
export function CardMenu({
  card,
  scene,
  series,
  standing,
}: {
  card: Card;
  scene: Scene;
  series: readonly Series[];
  /** The card as it is to be saved; null while there is nothing. */
  standing: () => Standing | null;
}): JSX.Element {
  const [asking, ask] = useState<Asking>(null);
  const { state } = place.value;
  const wish = scaleWish(state, card.id);
  const [metric = ""] = card.metrics;
  const name = card.metrics.join(" + ");
  const isPinned = scene.pins?.pinned.includes(metric) ?? false;
  const close = (): void => ask(null);
  return (
    <>
      <Menu label={<Icon name="menu" />} name={`What can be done with ${name}`} quiet align="end">
        {(shut) => {
          const item = (text: string, act: () => void, pressed?: boolean): JSX.Element => (
            <MenuItem close={shut} act={act} {...(pressed !== undefined && { pressed })}>
              {text}
            </MenuItem>
          );
          return (
            <>
              {item("Logarithmic", () => change({ y: withChoice(state.y, card.id, wish.log ? otherThan(state.y, "lin") : "log") }), wish.log)}
              {item("All points, far ones too", () => change({ out: withChoice(state.out, card.id, wish.cut ? "0" : otherThan(state.out, "auto")) }), !wish.cut)}
              {item("Limits…", () => ask("limits"))}
              {card.metrics.length > 1
                ? item("Take apart", () => change({ with: withoutGroup(state.with, card) }))
                : item("Draw together with…", () => ask("combine"))}
              {card.metrics.length === 1 && item("Keep on top", () => scene.pins?.toggle(metric), isPinned)}
              {item("As table", () => ask("table"))}
              <a class="button menu-item" href={seriesCsv(scene.asked, card.metrics)} download onClick={shut}>
                All points as CSV
              </a>
              {item("Picture (PNG)", () => save(standing(), "png"))}
              {item("Vectors (SVG)", () => save(standing(), "svg"))}
              {item("Copy link", () => void copyLink(card))}
            </>
          );
        }}
      </Menu>
      {asking === "limits" && <Limits card={card} close={close} />}
      {asking === "combine" && <Combine card={card} metrics={scene.metrics} close={close} />}
      {asking === "table" && <AsTable name={name} card={card} scene={scene} series={series} close={close} />}
    </>
  );
}

function Limits({ card, close }: { card: Card; close: () => void }): JSX.Element {
  const { yr } = place.value.state;
  const before = limitsOf(choiceFor(yr, card.id));
  const [from, setFrom] = useState(String(before?.[0] ?? ""));
  const [to, setTo] = useState(String(before?.[1] ?? ""));
  const send = async (): Promise<void> => {
    if (from.trim() === "" && to.trim() === "") change({ yr: withChoice(yr, card.id, undefined) });
    else {
      const limits = limitsOf(`${from}:${to}`);
      if (limits === null) throw new Error(`from '${from}' to '${to}' is no range: it must be two numbers, the first below the second`);
      change({ yr: withChoice(yr, card.id, limitsText(limits[0], limits[1], false)) });
    }
    close();
  };
  return (
    <Dialog title={`Limits of ${card.metrics.join(" + ")}`} close={close}>
      <Form verb="Set" send={send} cancel={close}>
        <Field label="From">
          <input inputMode="decimal" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        </Field>
        <Field label="To" hint="Both empty: as the values are.">
          <input inputMode="decimal" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        </Field>
      </Form>
    </Dialog>
  );
}

function Combine({ card, metrics, close }: { card: Card; metrics: readonly string[]; close: () => void }): JSX.Element {
  const [chosen, choose] = useState<readonly string[]>([]);
  const send = async (): Promise<void> => {
    if (chosen.length === 0) throw new Error("no metric was chosen");
    const before = place.value.state.with;
    change({ with: [...(before === undefined ? [] : [before]), [...card.metrics, ...chosen].join("+")].join(",") });
    close();
  };
  const toggle = (metric: string): void => choose(chosen.includes(metric) ? chosen.filter((one) => one !== metric) : [...chosen, metric]);
  return (
    <Dialog title={`Draw ${card.id} together with`} close={close}>
      <Form verb="Draw together" send={send} cancel={close}>
        <div class="choices">
          {metrics
            .filter((metric) => metric !== card.id)
            .map((metric) => (
              <label class="check" key={metric}>
                <input type="checkbox" checked={chosen.includes(metric)} onChange={() => toggle(metric)} />
                {metric}
              </label>
            ))}
        </div>
      </Form>
    </Dialog>
  );
}

/** The default as an absent choice, unless all cards have another one. */
function otherThan(text: string | undefined, standard: string): string | undefined {
  return choiceFor(text, "") === undefined ? undefined : standard;
}

function withoutGroup(text: string | undefined, card: Card): string {
  return combinedOf(text)
    .filter((group) => !group.some((metric) => card.metrics.includes(metric)))
    .map((group) => group.join("+"))
    .join(",");
}

function save(standing: Standing | null, kind: "png" | "svg"): void {
  if (standing === null) notify("There is nothing to be saved yet.");
  else void attempt("Saving the picture", () => saveCard(standing, kind));
}

/** A link to this card alone, drawn as it is now. */
async function copyLink(card: Card): Promise<void> {
  const { route, state } = place.value;
  const url = new URL(location.href);
  url.hash = formatPlace({ route, state: { ...state, m: card.metrics.join(",") } });
  notify((await copyText(url.href)) ? "The link was copied." : "The link could not be copied.");
}
