// A form whose fields say beside themselves what the server has against them.

import type { ComponentChildren, JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { sentence } from "../lib/format.ts";
import { refusedField } from "../lib/refusal.ts";
import { asFailure } from "../state/ask.ts";
import { Form } from "./dialog.tsx";

interface FieldProps {
  /** As the server calls it. */
  name: string;
  label: string;
  hint?: string;
  value: string;
  set: (value: string) => void;
  /** What may be chosen, as value and words; without it the value is typed. */
  options?: readonly (readonly [value: string, words: string])[];
  /** Further attributes of the field where it is typed into. */
  typed?: JSX.IntrinsicElements["input"];
}

/** Makes a field of such a form. */
export type CheckedField = (props: FieldProps) => JSX.Element;

/** A form of fields; `children` makes them with the function that it is given. What no field is about is said at the end. */
export function CheckedForm({
  verb,
  fields,
  send,
  cancel,
  children,
}: {
  verb: string;
  /** The names of the fields, as the server calls them. */
  fields: readonly string[];
  send: () => Promise<void>;
  cancel?: () => void;
  children: (field: CheckedField) => ComponentChildren;
}): JSX.Element {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [refused, refuse] = useState<{ field: string; message: string } | null>(null);
  const attempt = async (): Promise<void> => {
    refuse(null);
    try {
      await send();
    } catch (cause) {
      const { message } = asFailure(cause);
      const field = refusedField(message, fields);
      if (field === null) throw cause;
      refuse({ field, message: sentence(message) });
      box.current?.querySelector<HTMLElement>(`[name="${field}"]`)?.focus();
    }
  };
  const field: CheckedField = ({ name, label, hint, value, set, options, typed }) => {
    const told = refused?.field === name ? refused.message : "";
    const known = {
      name,
      value,
      "aria-invalid": told !== "",
      "aria-describedby": `${id}-${name}`,
    };
    return (
      <div class="field">
        <label class="field">
          <span>{label}</span>
          {options === undefined ? (
            <input autocomplete="off" spellcheck={false} {...typed} {...known} onInput={(event) => set(event.currentTarget.value)} />
          ) : (
            <select {...known} onChange={(event) => set(event.currentTarget.value)}>
              {options.map(([option, words]) => (
                <option key={option} value={option}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </label>
        <div id={`${id}-${name}`}>
          {hint !== undefined && <small class="hint">{hint}</small>}
          <p class="refusal" role="alert">
            {told}
          </p>
        </div>
      </div>
    );
  };
  return (
    <Form verb={verb} send={attempt} {...(cancel && { cancel })}>
      <div class="form" ref={box}>
        {children(field)}
      </div>
    </Form>
  );
}
