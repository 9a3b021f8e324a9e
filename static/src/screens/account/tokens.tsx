import type { JSX } from "preact";
import type { Session } from "../../api/people.ts";
import { OwnTokens } from "../../parts/tokens/own_tokens.tsx";

/** The page of one's own tokens and password. */
export function Tokens({ known }: { known: Session }): JSX.Element {
  return (
    <>
      <h1>Tokens</h1>
      {known.user === null ? <p>This server has no accounts, so clients need no token.</p> : <OwnTokens user={known.user.name} />}
    </>
  );
}
