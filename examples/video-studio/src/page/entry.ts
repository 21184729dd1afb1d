import type { Link } from "./job-links.js";
import type { WatchedVideo } from "./watched-video.js";

/** A part of the conversation: a request of the user and its answer. */
export interface Entry {
  /** Names it in the address. */
  readonly link: Link;
  readonly element: HTMLElement;
  /** The present states of its videos. */
  readonly states: readonly WatchedVideo[];
  /** Whether the server has sent data. They may make the entry longer. */
  readonly isLoaded: boolean;
  render(): void;
  /** Tries to connect at once. */
  check(): void;
  /** Moves the focus to the headline, without scrolling. */
  focus(): void;
}
