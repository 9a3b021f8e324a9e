import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { revokeToken } from "../../api/people.ts";
import { CheckedForm } from "../../parts/checked_form.tsx";
import { Command } from "../../parts/command.tsx";
import { notify } from "../../parts/notice.tsx";
import { OwnTokens } from "../../parts/tokens/own_tokens.tsx";
import { session } from "../../state/session.ts";

/** One's own tokens and password; administrators can also end the tokens of others. */
export function Tokens(): JSX.Element | null {
  const user = session.value?.user;
  if (!user) return null;
  return (
    <div class="account wide">
      <OwnTokens user={user.name} />
      {user.admin && <OthersTokens />}
    </div>
  );
}

function OthersTokens(): JSX.Element {
  const [number, setNumber] = useState("");
  const send = async (): Promise<void> => {
    await revokeToken(Number(number));
    notify(`Token ${number} has ended.`);
    setNumber("");
  };
  return (
    <section>
      <h2>End a token of somebody else</h2>
      <p>The command lists all tokens with their numbers; their texts are known to nobody.</p>
      <Command words={["token", "list"]} />
      <CheckedForm verb="End the token" fields={["id"]} send={send}>
        {(field) => (
          <div class="fields">
            {field({
              name: "id",
              label: "Number of the token",
              value: number,
              set: setNumber,
              typed: { required: true, inputMode: "numeric", pattern: "[0-9]{1,15}" },
            })}
          </div>
        )}
      </CheckedForm>
    </section>
  );
}
