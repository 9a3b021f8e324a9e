import { useLayoutEffect, useRef, useState } from "preact/hooks";

/**
 * A text that changes at once where it is typed, and elsewhere when it rested: `rest` hands it on, and returns what `value` is
 * after that. Where the value changes by something else, such as going back, the text is that value.
 */
export function useResting(value: string, pauseMs: number, rest: (text: string) => string): [string, (text: string) => void] {
  const [typed, setTyped] = useState({ text: value, value });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // At once: what rests after the screen is gone would go into the address of the next.
  useLayoutEffect(() => () => clearTimeout(timer.current), []);
  const type = (text: string): void => {
    setTyped({ text, value });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setTyped({ text, value: rest(text) }), pauseMs);
  };
  // An effect that follows the value would come after the first keys, and take them back.
  return [typed.value === value ? typed.text : value, type];
}
