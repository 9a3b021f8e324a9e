import { Component } from "preact";
import type { ComponentChildren } from "preact";
import { asFailure } from "../state/ask.ts";
import type { Failure } from "../api/client.ts";
import { Trouble } from "./states.tsx";

interface Props {
  /** What is inside, at the beginning of a sentence: "This screen". */
  what: string;
  children: ComponentChildren;
}

interface State {
  failure: Failure | null;
}

/** Keeps a mistake in what is inside from taking the rest of the page with it, and says that there was one. */
export class Boundary extends Component<Props, State> {
  override state: State = { failure: null };

  static override getDerivedStateFromError(cause: unknown): State {
    // For whoever looks for the mistake.
    console.error(cause);
    return { failure: asFailure(cause) };
  }

  override render(): ComponentChildren {
    const { failure } = this.state;
    if (failure === null) return this.props.children;
    return <Trouble what={this.props.what} failure={failure} retry={() => this.setState({ failure: null })} />;
  }
}
