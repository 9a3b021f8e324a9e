// What is asked before an account is made, changed or removed.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { changeAccount, createAccount, removeAccount } from "../../api/admin.ts";
import type { Account, NewAccount } from "../../api/admin.ts";
import { madePassword } from "../../lib/password.ts";
import { CheckedForm } from "../../parts/checked_form.tsx";
import { Command } from "../../parts/command.tsx";
import { Dialog, Form } from "../../parts/dialog.tsx";
import { MadeSecret } from "../../parts/tokens/made.tsx";
import { PasswordChoice } from "./password_choice.tsx";
import type { PasswordWish } from "./password_choice.tsx";

const NOBODY: NewAccount = { name: "", kind: "person", display_name: "", email: "", admin: false };
const KIND_WORDS = [
  ["person", "A person"],
  ["service", "A program, which has tokens and no password"],
  ["group", "A group of the system's users, at a unix socket"],
] as const;

/** Makes an account. */
export function AddDialog({ close, added }: { close: () => void; added: () => void }): JSX.Element {
  const [wanted, want] = useState(NOBODY);
  const [wish, setWish] = useState<PasswordWish>({ how: "made", text: "" });
  const [made, make] = useState<string>();
  const { name, kind, display_name: shown, email, admin } = wanted;
  const send = async (): Promise<void> => {
    const password = kind === "person" ? passwordOf(wish) : undefined;
    await createAccount({ ...wanted, name: name.trim(), ...(password !== undefined && { password }) });
    added();
    if (kind === "person" && wish.how === "made" && password !== undefined) make(password);
    else close();
  };
  if (made !== undefined) return <MadeDialog name={name.trim()} password={made} close={close} />;
  const flags = [
    admin && "--admin",
    kind === "service" && "--service",
    ...(shown === "" ? [] : ["--display-name", shown]),
    ...(email === "" ? [] : ["--email", email]),
    kind === "person" && wish.how === "made" && "--generate-password",
    kind === "person" && wish.how === "none" && "--no-password",
  ].filter((flag) => flag !== false);
  return (
    <Dialog title="Add an account" close={close}>
      <CheckedForm verb="Add" fields={["name", "kind", "display_name", "email", "password"]} send={send} cancel={close}>
        {(field) => (
          <>
            {field({ name: "kind", label: "For", value: kind, set: (next) => want({ ...wanted, kind: next as NewAccount["kind"] }), options: KIND_WORDS })}
            {field({
              name: "name",
              label: "Name",
              hint: "Letters, digits and ._@+-",
              value: name,
              set: (next) => want({ ...wanted, name: next }),
              typed: { required: true, maxLength: 128, autoFocus: true, autocapitalize: "none" },
            })}
            {field({ name: "display_name", label: "Shown as (optional)", value: shown, set: (next) => want({ ...wanted, display_name: next }) })}
            {field({ name: "email", label: "Mail address (optional)", value: email, set: (next) => want({ ...wanted, email: next }) })}
            {kind === "person" && <PasswordChoice wish={wish} set={setWish} field={field} mayBeNone />}
            <label class="check">
              <input type="checkbox" checked={admin} onChange={(event) => want({ ...wanted, admin: event.currentTarget.checked })} />
              An administrator, who may do everything everywhere
            </label>
          </>
        )}
      </CheckedForm>
      {kind !== "group" && <Command words={["user", "add", name.trim() || "NAME", ...flags]} />}
    </Dialog>
  );
}

/** Shows the password that was made, this once. */
function MadeDialog({ name, password, close }: { name: string; password: string; close: () => void }): JSX.Element {
  return (
    <Dialog title="The password" close={close}>
      <MadeSecret what="password" text={password}>
        <p>
          This is the password of <bdi>{name}</bdi>. Give it to them: it is shown this once, and they can change it.
        </p>
      </MadeSecret>
      <div class="form-end">
        <button type="button" class="primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

/** Changes what an account is shown as, and its mail address. */
export function AccountDialog({ account, close, done }: { account: Account; close: () => void; done: (words: string) => void }): JSX.Element {
  const [shown, show] = useState(account.display_name);
  const [email, setEmail] = useState(account.email);
  const send = async (): Promise<void> => {
    await changeAccount(account.name, { display_name: shown, email });
    close();
    done(`Changed ${account.name}.`);
  };
  return (
    <Dialog title={`Change ${account.name}`} close={close}>
      <CheckedForm verb="Save" fields={["display_name", "email"]} send={send} cancel={close}>
        {(field) => (
          <>
            {field({ name: "display_name", label: "Shown as", value: shown, set: show, typed: { autoFocus: true } })}
            {field({ name: "email", label: "Mail address", value: email, set: setEmail })}
          </>
        )}
      </CheckedForm>
    </Dialog>
  );
}

/** Gives an account a new password, which ends its sessions. */
export function PasswordDialog({ account: { name }, close }: { account: Account; close: () => void }): JSX.Element {
  const [wish, setWish] = useState<PasswordWish>({ how: "made", text: "" });
  const [made, make] = useState<string>();
  const send = async (): Promise<void> => {
    const password = passwordOf(wish) ?? "";
    await changeAccount(name, { password });
    if (wish.how === "made") make(password);
    else close();
  };
  if (made !== undefined) return <MadeDialog name={name} password={made} close={close} />;
  return (
    <Dialog title={`New password for ${name}`} close={close}>
      <p>Their browsers are signed out. Their tokens go on to work.</p>
      <CheckedForm verb="Change" fields={["password"]} send={send} cancel={close}>
        {(field) => <PasswordChoice wish={wish} set={setWish} field={field} />}
      </CheckedForm>
      <Command words={["user", "password", name, ...(wish.how === "made" ? ["--generate-password"] : [])]} />
    </Dialog>
  );
}

/** Asks whether an account is really to be removed. */
export function RemoveDialog({ account: { name }, close, done }: { account: Account; close: () => void; done: (words: string) => void }): JSX.Element {
  const send = async (): Promise<void> => {
    await removeAccount(name);
    close();
    done(`Removed ${name}.`);
  };
  return (
    <Dialog title={`Remove ${name}?`} close={close}>
      <p>Its roles, tokens and sessions end at once, and so does every training that logs with them. What it logged stays. This cannot be undone.</p>
      <Form verb="Remove" danger send={send} cancel={close} />
      <Command words={["user", "remove", name]} />
    </Dialog>
  );
}

function passwordOf({ how, text }: PasswordWish): string | undefined {
  return how === "none" ? undefined : how === "made" ? madePassword() : text;
}
