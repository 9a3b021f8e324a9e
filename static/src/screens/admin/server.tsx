import type { ComponentChildren, JSX } from "preact";
import { serverFacts } from "../../api/admin.ts";
import { duration, sentence } from "../../lib/format.ts";
import { Command } from "../../parts/command.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { session } from "../../state/session.ts";

/** What the server tells of itself. */
export function Server(): JSX.Element {
  const known = session.value;
  const asked = useAsk("server", (signal) => serverFacts(known?.accounts === false || known?.user != null, signal));
  const who = known?.user ? known.user.display_name || known.user.name : "nobody";
  return (
    <Answered asked={asked} what="The server">
      {({ version, unhealthy, unready, serves_artifacts: serves, uptime }) => (
        <>
          <dl class="panel settings">
            {known?.version != null && <Told name="Windvane">{known.version}</Told>}
            <Told name="Health">{unhealthy === "" ? "It answers." : sentence(unhealthy)}</Told>
            <Told name="Ready">{unready === "" ? "Its database answers, and it serves requests." : sentence(unready)}</Told>
            {uptime !== null && <Told name="Runs for">{duration(uptime * 1_000)}</Told>}
            <Told name="Speaks">the REST API of MLflow {version}</Told>
            <Told name="Artifacts">{serves ? "Clients send and fetch files through it." : "Clients reach the files without it."}</Told>
            <Told name="Accounts">
              {known?.view_of != null
                ? "None: a read-only view."
                : known?.accounts
                  ? `Everybody signs in; you are ${who}.`
                  : "None: it is open to whoever reaches it."}
            </Told>
            {known?.view_of != null && (
              <Told name="Shows">
                <code>{known.view_of}</code>
              </Told>
            )}
          </dl>
          <div>
            <button type="button" onClick={asked.again}>
              Ask again
            </button>
          </div>
          <p>Its options, and where each comes from, are told by a command.</p>
          <Command words={["config"]} />
        </>
      )}
    </Answered>
  );
}

function Told({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt class="hint">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
