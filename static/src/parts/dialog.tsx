import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../lib/format.ts";
import { signInPath } from "../lib/sign_in.ts";
import { asFailure } from "../state/ask.ts";
import { Icon } from "./basics.tsx";

/** A window above the page; Escape and a click beside it close it, and the focus goes back to where it was. */
export function Dialog({
  title,
  close,
  wide = false,
  bare = false,
  children,
}: {
  title: string;
  close: () => void;
  wide?: boolean;
  /** Without the line of its title, where what is in it says enough. */
  bare?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  // At once: what is typed next is meant for what opens.
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    return () => {
      // What is outside cannot have the focus while it is open.
      box.current?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={`dialog${wide ? " wide" : ""}${bare ? " bare" : ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => {
        if (event.target === box.current) close();
      }}
    >
      <div class="dialog-body">
        {!bare && (
          <header class="dialog-head">
            <h2>{title}</h2>
            <button type="button" class="quiet" aria-label="Close" onClick={close}>
              <Icon name="close" />
            </button>
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}

/** A form that does something and says why where that failed; it closes what it stands in by itself. */
export function Form({
  verb,
  danger = false,
  send,
  cancel,
  children,
}: {
  verb: string;
  danger?: boolean;
  send: () => Promise<void>;
  cancel?: () => void;
  children?: ComponentChildren;
}): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState("");
  const [mustSignIn, askToSignIn] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    // The same words again would not be read out again, unless they were gone in between.
    setRefusal("");
    askToSignIn(false);
    try {
      await send();
    } catch (cause) {
      const { message, status } = asFailure(cause);
      setRefusal(sentence(message));
      askToSignIn(status === 401);
    }
    setBusy(false);
  };
  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      {children}
      <p class="refusal" role="alert">
        {refusal}
        {mustSignIn && (
          <>
            {/* Beside this page, so that what was typed stays. */}
            {" "}
            <a href={signInPath()} target="_blank">
              Sign in in another window
            </a>
          </>
        )}
      </p>
      <div class="form-end">
        {cancel && (
          <button type="button" onClick={cancel}>
            Cancel
          </button>
        )}
        <button type="submit" class={danger ? "danger" : "primary"} disabled={busy}>
          {verb}
        </button>
      </div>
    </form>
  );
}

/** A control with its label above it and a hint below, which is no part of its name. */
export function Field({ label, hint, children }: { label: string; hint?: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="field">
      <label class="field">
        <span>{label}</span>
        {children}
      </label>
      {hint !== undefined && <small class="hint">{hint}</small>}
    </div>
  );
}
