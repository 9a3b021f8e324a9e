import type { JSX } from "preact";
import { copyText } from "../lib/clipboard.ts";
import { counted } from "../lib/format.ts";
import { Icon, Name } from "../parts/basics.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { notify } from "../parts/notice.tsx";
import { useAsk } from "../state/ask.ts";
import { basket, clearBasket, takeFromBasket } from "../state/basket.ts";
import { address } from "../state/place.ts";
import { readFacts } from "../state/run_facts.ts";

/** The runs that were put aside, and what can be done with them. */
export function BasketMenu(): JSX.Element {
  const runs = basket.value;
  const copy = async (): Promise<void> => {
    const done = await copyText(runs.join("\n"));
    notify(done ? `Copied ${counted(runs.length, "id")}.` : "The browser does not let the page copy.");
  };
  const clear = (): void => {
    clearBasket();
    notify(`Took ${counted(runs.length, "run")} out of the basket.`, async () => void (basket.value = runs));
  };
  return (
    <Menu
      quiet
      align="end"
      name={`Basket, ${counted(runs.length, "run")}`}
      label={
        <>
          <Icon name="basket" />
          <span class="badge" data-empty={runs.length === 0}>
            {runs.length}
          </span>
        </>
      }
    >
      {(close) => {
        if (runs.length === 0) return <p class="menu-words hint">The basket is empty. Runs from any experiment can be put into it, to be compared later.</p>;
        return (
          <>
            <p class="menu-words">{counted(runs.length, "run")} in the basket</p>
            <Contents runs={runs} />
            <a class="button menu-item" href={address({ screen: "compare", runs })} onClick={close}>
              Compare
            </a>
            <MenuItem close={close} act={() => void copy()}>
              Copy ids
            </MenuItem>
            <MenuItem close={close} act={clear}>
              Clear
            </MenuItem>
          </>
        );
      }}
    </Menu>
  );
}

/** As many runs are named. */
const NAMED = 12;

/** What the runs are called; each can be taken out. */
function Contents({ runs }: { runs: readonly string[] }): JSX.Element {
  const named = runs.slice(0, NAMED);
  const { answer } = useAsk(named.join(), (signal) => readFacts(named, signal));
  const facts = new Map(answer?.runs.map((run) => [run.id, run]));
  return (
    <ul class="basket-runs" aria-label="Runs in the basket">
      {named.map((id) => (
        <li key={id}>
          <Name text={facts.get(id)?.name ?? id.slice(0, 8)} />
          <span class="hint">
            <Name text={facts.get(id)?.experimentName ?? ""} />
          </span>
          <button type="button" class="quiet" aria-label={`Take ${facts.get(id)?.name ?? id.slice(0, 8)} out`} title="Take it out" onClick={() => takeFromBasket([id])}>
            <Icon name="close" />
          </button>
        </li>
      ))}
      {runs.length > NAMED && <li class="hint">and {counted(runs.length - NAMED, "other")}</li>}
    </ul>
  );
}
