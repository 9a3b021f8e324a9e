import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { createToken } from "../../api/people.ts";
import type { Token } from "../../api/people.ts";
import { Field, Form } from "../dialog.tsx";
import { MadeToken } from "./made.tsx";

/** What a token is for, in words. */
export const SCOPES: Readonly<Record<Token["scope"], string>> = {
  read: "Reading",
  write: "Reading and writing",
  full: "Everything you may do",
};

const LIFETIMES: readonly (readonly [days: string, words: string])[] = [
  ["30", "After 30 days"],
  ["90", "After 90 days"],
  ["365", "After a year"],
  ["", "Never"],
];

const STANDARD = { name: "", scope: "full" as Token["scope"], days: "90" };

/** Makes a token and shows it this once. */
export function TokenForm({ again }: { again: () => void }): JSX.Element {
  const [wanted, want] = useState(STANDARD);
  const [made, make] = useState<string>();
  const send = async (): Promise<void> => {
    const { name, scope, days } = wanted;
    make(await createToken({ name, kind: "api", scope, ...(days !== "" && { expires_days: Number(days) }) }));
    want(STANDARD);
    again();
  };
  return (
    <>
      <Form verb="Make a token" send={send}>
        <div class="fields">
          <Field label="Name">
            <input
              required
              name="token-name"
              maxLength={100}
              autocomplete="off"
              placeholder="nightly training"
              value={wanted.name}
              onInput={(event) => want({ ...wanted, name: event.currentTarget.value })}
            />
          </Field>
          <Field label="For">
            <select value={wanted.scope} onChange={(event) => want({ ...wanted, scope: event.currentTarget.value as Token["scope"] })}>
              {Object.entries(SCOPES).map(([scope, words]) => (
                <option key={scope} value={scope}>
                  {words}
                </option>
              ))}
            </select>
          </Field>
          <Field label="Ends">
            <select value={wanted.days} onChange={(event) => want({ ...wanted, days: event.currentTarget.value })}>
              {LIFETIMES.map(([days, words]) => (
                <option key={days} value={days}>
                  {words}
                </option>
              ))}
            </select>
          </Field>
        </div>
      </Form>
      {made !== undefined && (
        <MadeToken text={made}>
          Export it as <code>MLFLOW_TRACKING_TOKEN</code> where the client runs.
        </MadeToken>
      )}
    </>
  );
}
