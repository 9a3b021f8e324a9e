// A field with a list of what fits below it, as in the command palette (ARIA: a combobox with a list box).

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Something to pick. With `href` it is a link, which can also be opened in another window. */
export interface Choice {
  key: string;
  label: ComponentChildren;
  about?: ComponentChildren;
  href?: string;
  pick: () => void;
}

/** Choices with their heading. */
export interface ChoiceGroup {
  title: string;
  choices: readonly Choice[];
}

/**
 * A field and the choices that fit what stands in it, which are the caller's matter. The arrow keys move through them and Enter
 * picks. `none` is said where there are no choices.
 */
export function Picker({
  label,
  placeholder,
  text,
  onText,
  onPaste,
  groups,
  none,
}: {
  label: string;
  placeholder: string;
  text: string;
  onText: (text: string) => void;
  onPaste?: (text: string) => void;
  groups: readonly ChoiceGroup[];
  none?: string | undefined;
}): JSX.Element {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const choices = groups.flatMap((group) => group.choices);
  const [chosen, choose] = useState<string>();
  const at = Math.max(0, choices.findIndex((choice) => choice.key === chosen));

  useLayoutEffect(() => field.current?.focus(), []);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at]);

  const press = (event: KeyboardEvent): void => {
    const last = choices.length - 1;
    const places: Readonly<Record<string, number>> = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at === 0 ? last : at - 1, PageDown: last, PageUp: 0 };
    const next = places[event.key];
    if (next !== undefined) choose(choices[next]?.key);
    else if (event.key === "Enter") choices[at]?.pick();
    else return;
    event.preventDefault();
  };

  let place = 0;
  return (
    <div class="picker">
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={choices.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={choices.length > 0 ? `${id}-${at}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        value={text}
        onInput={(event) => {
          choose(undefined);
          onText(event.currentTarget.value);
        }}
        onPaste={(event) => onPaste?.(event.clipboardData?.getData("text/plain") ?? "")}
        onKeyDown={press}
      />
      <div class="picker-list" id={`${id}-list`} role="listbox" aria-label={label} ref={list}>
        {groups
          .filter((group) => group.choices.length > 0)
          .map((group) => (
            <div role="group" aria-label={group.title} key={group.title}>
              <p class="picker-title" aria-hidden="true">
                {group.title}
              </p>
              {group.choices.map((choice) => {
                const mine = place++;
                return (
                  <Option key={choice.key} id={`${id}-${mine}`} choice={choice} isChosen={mine === at} point={() => choose(choice.key)} />
                );
              })}
            </div>
          ))}
      </div>
      <p class="picker-none hint" role="status">
        {choices.length === 0 ? none : ""}
      </p>
    </div>
  );
}

function Option({ id, choice, isChosen, point }: { id: string; choice: Choice; isChosen: boolean; point: () => void }): JSX.Element {
  const common = { id, role: "option", "aria-selected": isChosen, tabIndex: -1, class: "picker-option", onPointerMove: point } as const;
  const inside = (
    <>
      <span class="picker-label">{choice.label}</span>
      {choice.about !== undefined && <span class="picker-about">{choice.about}</span>}
    </>
  );
  if (choice.href === undefined) {
    return (
      <div {...common} onClick={choice.pick}>
        {inside}
      </div>
    );
  }
  return (
    <a
      {...common}
      href={choice.href}
      onClick={(event) => {
        // Another window, as the browser does it.
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        choice.pick();
      }}
    >
      {inside}
    </a>
  );
}
