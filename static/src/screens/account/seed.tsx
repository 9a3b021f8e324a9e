import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { createToken } from "../../api/people.ts";
import type { Session } from "../../api/people.ts";
import { Form } from "../../parts/dialog.tsx";
import { MadeToken } from "../../parts/tokens/made.tsx";

const COMMAND = "anemoi-training mlflow login";

/** The page to which Anemoi's login sends people for a token. */
export function Seed({ known }: { known: Session }): JSX.Element {
  const [made, make] = useState<string>();
  const command = <code>{COMMAND}</code>;
  return (
    <>
      <h1>Log in for Anemoi</h1>
      {!known.accounts && (
        <p>This server has no accounts, so any text works as the token. Type one where {command} asks for it.</p>
      )}
      {known.accounts && made === undefined && (
        <>
          <p>{command} asks for a token. Make one here and paste it there.</p>
          <Form verb="Make a login token" send={async () => make(await createToken({ name: COMMAND, kind: "login" }))} />
        </>
      )}
      {made !== undefined && (
        <MadeToken text={made}>
          Paste it where {command} asks for it. It ends when it has not been used for 31 days, or when you revoke it under <a href="tokens">Tokens</a>.
        </MadeToken>
      )}
    </>
  );
}
