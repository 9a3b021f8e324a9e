import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { giveRole, listAccounts } from "../../api/admin.ts";
import type { Role } from "../../api/admin.ts";
import type { Experiment } from "../../api/experiments.ts";
import { CheckedForm } from "../../parts/checked_form.tsx";
import { Command } from "../../parts/command.tsx";
import { notify } from "../../parts/notice.tsx";
import { useAsk } from "../../state/ask.ts";
import { session } from "../../state/session.ts";
import { rolesOf } from "./role_words.ts";

/** Gives somebody a role: in `experiment`, or where that is "" in one that is chosen, or everywhere. */
export function GiveForm({ experiment, experiments, given }: { experiment: string; experiments: readonly Experiment[]; given: () => void }): JSX.Element {
  const [principal, name] = useState("");
  const [role, setRole] = useState<Role>("reader");
  const [where, setWhere] = useState("");
  const list = useId();
  const isAdmin = session.value?.user?.admin === true;
  // Who there is is for administrators to know.
  const { answer } = useAsk(isAdmin ? "users" : null, listAccounts);
  const names = answer?.map((account) => account.name) ?? ["everyone", "anyone"];
  const id = experiment || where;
  const place = experiments.find((one) => one.experiment_id === id)?.name ?? id;
  const send = async (): Promise<void> => {
    const who = principal.trim();
    await giveRole(who, role, id === "" ? null : id);
    given();
    name("");
    notify(`${who} is ${role}, ${id === "" ? "everywhere" : `in ${place}`}.`);
  };
  return (
    <>
      <CheckedForm verb="Give the role" fields={["principal", "role", "experiment_id"]} send={send}>
        {(field) => (
          <div class="fields">
            {field({
              name: "principal",
              label: "Who",
              hint: "An account, group:NAME, everyone who signs in, or anyone",
              value: principal,
              set: name,
              typed: { required: true, list, autocapitalize: "none" },
            })}
            {field({ name: "role", label: "May", value: role, set: (next) => setRole(next as Role), options: rolesOf(id === "") })}
            {experiment === "" &&
              field({
                name: "experiment_id",
                label: "Where",
                value: where,
                set: (next) => {
                  setWhere(next);
                  if (role === "admin") setRole("manager");
                },
                options: [["", "Everywhere, in experiments to come too"], ...experiments.map((one) => [one.experiment_id, one.name] as const)],
              })}
            <datalist id={list}>
              {names.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </div>
        )}
      </CheckedForm>
      <Command words={["role", "give", principal.trim() || "WHO", role, ...(id === "" ? ["--everywhere"] : [place])]} />
    </>
  );
}
