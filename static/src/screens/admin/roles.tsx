import type { JSX } from "preact";
import { giveRole, listRoles, takeRole } from "../../api/admin.ts";
import type { Grant, Role } from "../../api/admin.ts";
import type { Experiment } from "../../api/experiments.ts";
import { Name } from "../../parts/basics.tsx";
import { attempt, notify } from "../../parts/notice.tsx";
import { Answered, Empty } from "../../parts/states.tsx";
import { SureButton } from "../../parts/sure_button.tsx";
import { useAsk } from "../../state/ask.ts";
import { isActive, shareExperiments } from "../../state/experiments.ts";
import { address, adminPage } from "../../state/place.ts";
import { go } from "../../state/router.ts";
import { session } from "../../state/session.ts";
import { GiveForm } from "./give_form.tsx";
import { rolesOf } from "./role_words.ts";
import { Table } from "./table.tsx";

/** Who may do what: in one experiment, or for administrators everywhere. */
export function Roles({ experiment }: { experiment: string }): JSX.Element {
  const isAdmin = session.value?.user?.admin === true;
  const known = useAsk("experiments", shareExperiments);
  return (
    <>
      <Answered asked={known} what="The experiments" lines={1}>
        {(all) => <Where experiments={all.filter(isActive)} chosen={experiment} isAdmin={isAdmin} />}
      </Answered>
      {experiment === "" && !isAdmin ? (
        <Empty title="Choose an experiment that you manage.">
          <p>Its managers say who may see it, log to it and manage it. Whoever makes an experiment is its manager.</p>
        </Empty>
      ) : (
        <Granted key={experiment} experiment={experiment} experiments={known.answer?.filter(isActive) ?? []} />
      )}
    </>
  );
}

/** Which roles are shown. */
function Where({ experiments, chosen, isAdmin }: { experiments: readonly Experiment[]; chosen: string; isAdmin: boolean }): JSX.Element {
  const isListed = chosen === "" || experiments.some(({ experiment_id: id }) => id === chosen);
  return (
    <label class="check">
      <span>Roles in</span>
      <select value={chosen} onChange={(event) => go(adminPage("roles", event.currentTarget.value))}>
        <option value="">{isAdmin ? "All experiments" : "…"}</option>
        {!isListed && <option value={chosen}>Experiment {chosen}</option>}
        {experiments.map(({ experiment_id: id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Granted({ experiment, experiments }: { experiment: string; experiments: readonly Experiment[] }): JSX.Element {
  const asked = useAsk(`roles ${experiment}`, () => listRoles(experiment));
  const status = asked.failure?.status;
  if (status === 403 || status === 404) {
    return (
      <Empty title={status === 403 ? "You do not manage this experiment." : "There is no such experiment for you."}>
        <p>Only its managers and administrators see and give its roles.</p>
        <a class="button" href={address({ screen: "experiments" })}>
          All experiments
        </a>
      </Empty>
    );
  }
  return (
    <Answered asked={asked} what="The roles" lines={3}>
      {(grants) => (
        <>
          {grants.length === 0 ? (
            <div class="panel">
              <Empty title="Nobody has a role here.">
                <p>Administrators, and whoever has a role everywhere, may use it all the same.</p>
              </Empty>
            </div>
          ) : (
            <GrantTable grants={grants} again={asked.again} hasPlaces={experiment === ""} />
          )}
          <div class="account wide">
            <section>
              <h2>Give a role</h2>
              <GiveForm key={experiment} experiment={experiment} experiments={experiments} given={asked.again} />
            </section>
          </div>
          {experiment !== "" && <p class="hint">A role that somebody has everywhere counts here too, and is not listed.</p>}
        </>
      )}
    </Answered>
  );
}

function GrantTable({ grants, again, hasPlaces }: { grants: readonly Grant[]; again: () => void; hasPlaces: boolean }): JSX.Element {
  return (
    <Table name="Roles" heads={hasPlaces ? ["Who", "Where", "May"] : ["Who", "May"]} act="Take away" lines={grants}>
      {(grant) => <Row key={`${grant.experiment_id ?? ""} ${grant.principal}`} grant={grant} again={again} hasPlaces={hasPlaces} />}
    </Table>
  );
}

/** The words of the two classes of callers, for whom these are no names. */
const CLASSES: Readonly<Record<string, string>> = { everyone: "everyone who signs in", anyone: "anyone, signed in or not" };

function Row({ grant, again, hasPlaces }: { grant: Grant; again: () => void; hasPlaces: boolean }): JSX.Element {
  const { principal, role, experiment_id: id, experiment_name: name } = grant;
  const place = id === null ? "everywhere" : (name ?? id);
  const give = async (next: Role): Promise<void> => {
    // What is refused is shown as it is.
    await giveRole(principal, next, id).finally(again);
  };
  const change = (next: Role): Promise<void> =>
    attempt("The change", async () => {
      await give(next);
      notify(`${principal}: ${next} in place of ${role}, ${id === null ? place : `in ${place}`}.`, () => give(role));
    });
  return (
    <tr>
      <th scope="row">
        <Name text={CLASSES[principal] ?? principal} />
      </th>
      {hasPlaces && <td>{id === null ? "Everywhere" : <a href={address(adminPage("roles", id))}><Name text={place} /></a>}</td>}
      <td>
        <select aria-label={`What ${principal} may do, ${place}`} value={role} onChange={(event) => void change(event.currentTarget.value as Role)}>
          {rolesOf(id === null).map(([one, words]) => (
            <option key={one} value={one}>
              {words}
            </option>
          ))}
        </select>
      </td>
      <td>
        <SureButton verb="Take away" doing="Taking the role away" name={`the role of ${principal}, ${place}`} act={() => takeRole(principal, id).finally(again)} />
      </td>
    </tr>
  );
}
