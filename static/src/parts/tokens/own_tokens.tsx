import type { JSX } from "preact";
import { tokens } from "../../api/people.ts";
import { useAsk } from "../../state/ask.ts";
import { Command } from "../command.tsx";
import { Answered, Empty } from "../states.tsx";
import { PasswordForm } from "./password_form.tsx";
import { TokenForm } from "./token_form.tsx";
import { TokenTable } from "./token_table.tsx";

/** What one signs in with: one's tokens, and the password of the account `user`. */
export function OwnTokens({ user }: { user: string }): JSX.Element {
  const asked = useAsk("tokens", tokens);
  return (
    <>
      <section>
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
        <Command words={["token", "add", user, "--name", "NAME"]} />
      </section>
      <section>
        <h2>Change your password</h2>
        <PasswordForm user={user} />
        <Command words={["user", "password", user]} />
      </section>
    </>
  );
}
