import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { changePassword } from "../../api/people.ts";
import { Field, Form } from "../dialog.tsx";
import { notify } from "../notice.tsx";

const NOTHING = { present: "", wanted: "", again: "" };

/** Changes one's own password. */
export function PasswordForm({ user }: { user: string }): JSX.Element {
  const [typed, type] = useState(NOTHING);
  const send = async (): Promise<void> => {
    if (typed.wanted !== typed.again) throw new Error("The new passwords differ");
    await changePassword(typed.present, typed.wanted);
    type(NOTHING);
    notify("Changed. Other browsers are signed out.");
  };
  const field = (label: string, name: keyof typeof NOTHING, autocomplete: "current-password" | "new-password"): JSX.Element => (
    <Field label={label}>
      <input
        required
        type="password"
        autocomplete={autocomplete}
        value={typed[name]}
        onInput={(event) => type({ ...typed, [name]: event.currentTarget.value })}
      />
    </Field>
  );
  return (
    <Form verb="Change" send={send}>
      {/* Tells password managers whose password it is. */}
      <input type="hidden" autocomplete="username" value={user} />
      <div class="fields">
        {field("Present password", "present", "current-password")}
        {field("New password", "wanted", "new-password")}
        {field("New password again", "again", "new-password")}
      </div>
    </Form>
  );
}
