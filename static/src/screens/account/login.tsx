import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Failure } from "../../api/client.ts";
import { signIn } from "../../api/people.ts";
import type { Session } from "../../api/people.ts";
import { called, leave } from "../../frame/user_menu.tsx";
import { returnPath } from "../../lib/return_to.ts";
import { Field, Form } from "../../parts/dialog.tsx";
import { attempt } from "../../parts/notice.tsx";

/** The page that asks for name and password. */
export function Login({ known }: { known: Session }): JSX.Element {
  const onward = returnPath(new URLSearchParams(location.search).get("return_to"));
  const go = (
    <a href={onward} class="button primary">
      Continue
    </a>
  );
  if (!known.accounts) {
    return (
      <>
        <h1>Sign in</h1>
        <p>This server has no accounts: everyone who reaches it may use all of it.</p>
        <div class="form-end">{go}</div>
      </>
    );
  }
  if (known.user === null) {
    return (
      <>
        <h1>Sign in</h1>
        <SignInForm onward={onward} />
      </>
    );
  }
  return (
    <>
      <h1>Signed in</h1>
      <p>
        You are signed in as <strong>{called(known.user)}</strong>.
      </p>
      <div class="form-end">
        {go}
        <button type="button" onClick={() => void attempt("Signing out", leave)}>
          Sign out
        </button>
      </div>
    </>
  );
}

function SignInForm({ onward }: { onward: string }): JSX.Element {
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => name.current?.focus(), []);
  const send = async (): Promise<void> => {
    try {
      await signIn(name.current?.value ?? "", password.current?.value ?? "");
    } catch (cause) {
      password.current?.select();
      if (cause instanceof Failure && cause.status === 401) throw new Error("The name or the password is wrong");
      throw cause;
    }
    // Not to be gone back to.
    location.replace(onward);
  };
  return (
    <div class="sign-in">
      <Form verb="Sign in" send={send}>
        <Field label="Name">
          <input ref={name} required name="username" autocomplete="username" autocapitalize="none" spellcheck={false} />
        </Field>
        <Field label="Password">
          <input ref={password} required name="password" type="password" autocomplete="current-password" />
        </Field>
      </Form>
    </div>
  );
}
