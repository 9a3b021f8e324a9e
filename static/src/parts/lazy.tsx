import type { ComponentType, JSX } from "preact";
import { useAsk } from "../state/ask.ts";
import { Skeleton, Trouble } from "./states.tsx";

/** A part of the page whose code is loaded when it is first seen. `what` names it: "The artifacts". */
export function lazy<Props extends object>(what: string, load: () => Promise<ComponentType<Props>>): (props: Props) => JSX.Element {
  return function Lazy(props: Props): JSX.Element {
    const { answer, failure, again } = useAsk(what, async () => ({ Part: await load() }));
    if (failure) return <Trouble what={what} failure={failure} retry={again} />;
    return answer ? <answer.Part {...props} /> : <Skeleton name={what.toLowerCase()} />;
  };
}
