import type { JSX } from "preact";
import { revokeToken } from "../../api/people.ts";
import type { Token } from "../../api/people.ts";
import { Name, Time } from "../basics.tsx";
import { SureButton } from "../sure_button.tsx";
import { SCOPES } from "./token_form.tsx";

/** One's tokens, without their texts. */
export function TokenTable({ tokens, again }: { tokens: readonly Token[]; again: () => void }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Your tokens">
      <table class="tokens">
        <thead>
          <tr>
            {["Name", "For", "Created", "Last used", "Ends"].map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
            <th scope="col">
              <span class="unseen">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <Row key={token.id} token={token} again={again} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ token, again }: { token: Token; again: () => void }): JSX.Element {
  const name = token.name || "(no name)";
  return (
    <tr>
      <th scope="row">
        <Name text={name} />
      </th>
      <td>{purpose(token)}</td>
      <td>
        <Time ms={token.created_ms} />
      </td>
      <td>{token.last_used_ms === null ? "never" : <Time ms={token.last_used_ms} />}</td>
      <td>{token.expires_ms === null ? "never" : <Time ms={token.expires_ms} />}</td>
      <td>
        {/* A token that was revoked by a slip stops a training. */}
        <SureButton verb="Revoke" doing="Revoking" name={name} act={() => revokeToken(token.id).then(again)} />
      </td>
    </tr>
  );
}

function purpose(token: Token): string {
  if (token.kind === "login") return "Login of Anemoi";
  const where = token.experiment_id === undefined ? "" : `, experiment ${token.experiment_id}`;
  return SCOPES[token.scope] + where;
}
