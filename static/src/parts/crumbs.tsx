import type { JSX } from "preact";
import { Name } from "./basics.tsx";

/** A step on the way to where one is; the last has no address. */
export interface Crumb {
  text: string;
  href?: string;
}

/** Where one is: Experiments › name › run. */
export function Crumbs({ items }: { items: readonly Crumb[] }): JSX.Element {
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      <ol>
        {items.map(({ text, href }, index) => (
          <li key={index}>
            {href === undefined ? (
              <span aria-current={index === items.length - 1 ? "page" : undefined}>
                <Name text={text} />
              </span>
            ) : (
              <a href={href}>
                <Name text={text} />
              </a>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
