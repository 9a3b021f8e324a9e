// The pages of accounts: `login`, `seed` and `tokens`. They are one page, which sees by its own address what it is.

import { render } from "preact";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { session as askSession } from "../../api/people.ts";
import type { Session } from "../../api/people.ts";
import { Brand } from "../../frame/brand.tsx";
import { UserMenu } from "../../frame/user_menu.tsx";
import { Notices } from "../../parts/notice.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { followLook } from "../../state/look.ts";
import { session } from "../../state/session.ts";
import { useTitle } from "../../state/title.ts";
import { Login } from "./login.tsx";
import { Seed } from "./seed.tsx";
import { Tokens } from "./tokens.tsx";

interface Page {
  title: string;
  Content: (props: { known: Session }) => JSX.Element;
}

const LOGIN: Page = { title: "Sign in", Content: Login };
const PAGES: Readonly<Record<string, Page>> = {
  login: LOGIN,
  seed: { title: "Log in for Anemoi", Content: Seed },
  tokens: { title: "Tokens", Content: Tokens },
};

/** The page of this name; a proxy that renames it gets the one that explains itself. */
function AccountPage({ name }: { name: string }): JSX.Element {
  const { title, Content } = PAGES[name] ?? LOGIN;
  const isLogin = Content === Login;
  useTitle(title);
  const asked = useAsk("session", askSession);
  const known = asked.answer;
  const mustSignIn = known?.accounts === true && known.user === null && !isLogin;
  useEffect(() => {
    if (mustSignIn) location.replace(`login?return_to=${name}`);
    // The page to sign in needs no link to itself.
    else if (!isLogin || known?.user) session.value = known;
  }, [known]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <Brand href="./" />
        <div class="bar-end">
          <UserMenu />
        </div>
      </header>
      <main id="main" class="account" data-page={name} tabIndex={-1}>
        {!mustSignIn && (
          <Answered asked={asked} what="This page" lines={3}>
            {(answer) => (answer.view_of === null ? <Content known={answer} /> : <InView title={title} source={answer.view_of} />)}
          </Answered>
        )}
      </main>
      <Notices />
    </>
  );
}

/** What all of these pages are where a server only shows something. */
function InView({ title, source }: { title: string; source: string }): JSX.Element {
  return (
    <>
      <h1>{title}</h1>
      <p>
        This is a read-only view of <code>{source}</code>: nobody signs in here, and nothing can be logged to it.
      </p>
    </>
  );
}

followLook();
const root = document.getElementById("account");
if (root === null) throw new Error("the page has no element #account");
render(<AccountPage name={location.pathname.split("/").pop() ?? ""} />, root);
