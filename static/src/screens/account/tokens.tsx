import type { JSX } from "preact";
import { tokens } from "../../api/people.ts";
import type { Session } from "../../api/people.ts";
import { Answered, Empty } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { PasswordForm } from "./password_form.tsx";
import { TokenForm } from "./token_form.tsx";
import { TokenTable } from "./token_table.tsx";

/** The page of one's own tokens and password. */
export function Tokens({ known }: { known: Session }): JSX.Element {
  if (known.user === null) {
    return (
      <>
        <h1>Tokens</h1>
        <p>This server has no accounts, so clients need no token.</p>
      </>
    );
  }
  return <OwnTokens user={known.user.name} />;
}

function OwnTokens({ user }: { user: string }): JSX.Element {
  const asked = useAsk("tokens", tokens);
  return (
    <>
      <section>
        <h1>Tokens</h1>
        <p>
          A client sends a token in place of your name and password: export it as <code>MLFLOW_TRACKING_TOKEN</code>.
        </p>
        <div class="panel">
          <Answered asked={asked} what="The tokens" lines={2}>
            {(all) => (all.length === 0 ? <Empty title="You have no token." /> : <TokenTable tokens={all} again={asked.again} />)}
          </Answered>
        </div>
      </section>
      <section>
        <h2>Make a token</h2>
        <TokenForm again={asked.again} />
      </section>
      <section>
        <h2>Change your password</h2>
        <PasswordForm user={user} />
      </section>
    </>
  );
}
