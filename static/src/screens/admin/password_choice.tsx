import type { JSX } from "preact";
import type { CheckedField } from "../../parts/checked_form.tsx";
import { OneOf } from "../../parts/one_of.tsx";

/** Where the password of an account comes from; `text` is what was typed. */
export interface PasswordWish {
  how: "made" | "typed" | "none";
  text: string;
}

const HOW = { made: "Made for them", typed: "Typed here", none: "None" } as const;

/** The choice of a password, and the field to type one. */
export function PasswordChoice({
  wish,
  set,
  field,
  mayBeNone = false,
}: {
  wish: PasswordWish;
  set: (wish: PasswordWish) => void;
  field: CheckedField;
  mayBeNone?: boolean;
}): JSX.Element {
  return (
    <>
      <OneOf title="Password" names={mayBeNone ? ["made", "typed", "none"] : ["made", "typed"]} words={HOW} chosen={wish.how} choose={(how) => set({ ...wish, how })} />
      {wish.how === "typed" &&
        field({
          name: "password",
          label: "The password",
          hint: "12 to 256 characters, five different ones, without the name",
          value: wish.text,
          set: (text) => set({ ...wish, text }),
          typed: { required: true, type: "password", autocomplete: "new-password" },
        })}
      {wish.how === "none" && <p class="hint">They sign in by a proxy, a unix socket or tokens.</p>}
    </>
  );
}
