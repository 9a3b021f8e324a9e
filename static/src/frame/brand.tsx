import type { JSX } from "preact";

/** The product's name, which leads to where everything begins. */
export function Brand({ href }: { href: string }): JSX.Element {
  return (
    <a class="brand" href={href}>
      <span class="brand-sign" aria-hidden="true" />
      Windvane
    </a>
  );
}
