import type { ComponentType, JSX } from "preact";
import { Failure } from "../../api/client.ts";
import { session as askSession } from "../../api/people.ts";
import { Command } from "../../parts/command.tsx";
import { Answered, Empty, Trouble } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { PAGE_NAMES, usefulPages } from "../../state/pages.ts";
import { address, adminPage } from "../../state/place.ts";
import type { AdminPage } from "../../state/place.ts";
import { session } from "../../state/session.ts";
import { useTitle } from "../../state/title.ts";
import { Roles } from "./roles.tsx";
import { Server } from "./server.tsx";
import { Storage } from "./storage.tsx";
import { Tokens } from "./tokens.tsx";
import { Trash } from "./trash.tsx";
import { Users } from "./users.tsx";

const CONTENTS: Readonly<Record<AdminPage, ComponentType<{ experiment: string }>>> = {
  users: Users,
  tokens: Tokens,
  roles: Roles,
  trash: Trash,
  storage: Storage,
  server: Server,
};

/** The pages of administration (design: 6.8): each by its own address, and only what is of use to who is here. */
export function Admin({ page, experiment }: { page: AdminPage; experiment: string }): JSX.Element {
  const known = session.value;
  // Asked for by all pages, of which this one cannot go on without the answer.
  const asked = useAsk(known === undefined ? "session" : null, async () => (session.value = await askSession()));
  useTitle(PAGE_NAMES[page]);
  return (
    <div class="screen admin">
      <h1>{PAGE_NAMES[page]}</h1>
      <nav class="tabs" aria-label="Administration">
        {usefulPages.value.map((name) => (
          <a key={name} href={address(adminPage(name))} aria-current={name === page ? "page" : undefined}>
            {PAGE_NAMES[name]}
          </a>
        ))}
      </nav>
      {known === undefined ? (
        <Answered asked={asked} what="This page">
          {() => null}
        </Answered>
      ) : (
        <Content page={page} experiment={experiment} />
      )}
    </div>
  );
}

/** The page, or why it is not for who is here. */
function Content({ page, experiment }: { page: AdminPage; experiment: string }): JSX.Element {
  const { accounts = false, user = null, view_of: source = null } = session.value ?? {};
  const Page = CONTENTS[page];
  if (usefulPages.value.includes(page)) return !accounts && ["users", "tokens", "roles"].includes(page) ? <Open /> : <Page experiment={experiment} />;
  if (source !== null) {
    return (
      <Empty title="There is nothing to administer here.">
        <p>
          This is a read-only view of <code>{source}</code>: it has no accounts, and nothing in it is changed.
        </p>
      </Empty>
    );
  }
  if (user === null) return <Trouble what="This page" failure={new Failure(401, "")} />;
  return (
    <Empty title="Accounts are for administrators.">
      <p>You are signed in as {user.name}, who is none. An administrator can make you one.</p>
    </Empty>
  );
}

/** What there is in the place of accounts on a server that has none. */
function Open(): JSX.Element {
  return (
    <section class="section">
      <h2>This server is open</h2>
      <p>
        It has no accounts: whoever reaches it may read, write and delete everything, without a password or a token. That is why it
        listens on its own machine only, unless it was told otherwise.
      </p>
      <p>
        The first account is made on the machine of the server. From then on everybody has to sign in, and this page has the
        accounts.
      </p>
      <Command words={["user", "add", "NAME", "--admin"]} />
    </section>
  );
}
