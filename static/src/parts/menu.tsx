import type { ComponentChildren, JSX, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/**
 * A button that opens a panel below it, above everything else whatever scrolls around it. The panel closes by Escape, by a click
 * elsewhere and by the focus leaving it; what is in it may be any controls. `close` is passed to what it contains.
 */
export function Menu({
  label,
  name,
  quiet = false,
  align = "start",
  children,
}: {
  label: ComponentChildren;
  /** What the button is called where its label is no word. */
  name?: string;
  quiet?: boolean;
  align?: "start" | "end";
  children: (close: () => void) => ComponentChildren;
}): JSX.Element {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  // Not after the next frame: Escape may come before it.
  useLayoutEffect(() => {
    if (!open) return;
    const elsewhere = (event: Event): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    // The focus is nowhere after what had it is gone.
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.target !== document.body) return;
      event.preventDefault();
      close();
    };
    document.addEventListener("keydown", escape);
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    return () => {
      document.removeEventListener("keydown", escape);
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
    };
  }, [open]);
  return (
    <div
      class="menu"
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        type="button"
        ref={button}
        class={quiet ? "quiet" : ""}
        aria-expanded={open}
        aria-label={name}
        title={name}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && (
        <Panel button={button} align={align}>
          {children(close)}
        </Panel>
      )}
    </div>
  );
}

/** Something to choose in a menu, which closes it. `pressed` is for what is on or off. */
export function MenuItem({ close, act, pressed, children }: { close: () => void; act: () => void; pressed?: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <button
      type="button"
      class="menu-item"
      aria-pressed={pressed}
      onClick={() => {
        close();
        act();
      }}
    >
      {children}
    </button>
  );
}

/** Pixels between a button and its panel, and between a panel and the edges of the window. */
const SPACE = 4;

/** What a menu opens: in the browser's top layer, since a table that scrolls would cut it off. */
function Panel({ button, align, children }: { button: RefObject<HTMLElement | null>; align: "start" | "end"; children: ComponentChildren }): JSX.Element {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const place = (): void => {
      if (panel.current === null || button.current === null) return;
      const at = button.current.getBoundingClientRect();
      const { offsetWidth: width, offsetHeight: height, style } = panel.current;
      const left = align === "start" ? at.left : at.right - width;
      style.left = `${Math.max(SPACE, Math.min(left, innerWidth - width - SPACE))}px`;
      const below = at.bottom + SPACE;
      const fits = below + height <= innerHeight || at.top < height + SPACE;
      style.top = `${fits ? below : at.top - height - SPACE}px`;
    };
    panel.current?.showPopover();
    place();
    // What it holds may still have to be loaded.
    const observer = new ResizeObserver(place);
    if (panel.current) observer.observe(panel.current);
    addEventListener("scroll", place, { capture: true, passive: true });
    addEventListener("resize", place);
    return () => {
      observer.disconnect();
      removeEventListener("scroll", place, { capture: true });
      removeEventListener("resize", place);
    };
  }, []);
  return (
    // A click beside its controls leaves the focus here: elsewhere, it would close the menu.
    <div class="menu-panel" ref={panel} popover="manual" tabIndex={-1}>
      {children}
    </div>
  );
}
