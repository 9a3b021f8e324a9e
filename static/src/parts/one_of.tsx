import type { JSX } from "preact";

/** A choice of a few, side by side. `words` says them where they are no words themselves. */
export function OneOf<Name extends string | number>({
  title,
  names,
  words,
  chosen,
  choose,
}: {
  title: string;
  names: readonly Name[];
  words?: Readonly<Record<Name, string>>;
  chosen: Name;
  choose: (name: Name) => void;
}): JSX.Element {
  return (
    <div class="menu-choice" role="group" aria-label={title}>
      <span aria-hidden="true">{title}</span>
      <span class="choice">
        {names.map((name) => (
          <button type="button" key={name} aria-pressed={name === chosen} onClick={() => choose(name)}>
            {words?.[name] ?? name}
          </button>
        ))}
      </span>
    </div>
  );
}
