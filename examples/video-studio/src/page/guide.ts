import type { Conversation } from "./conversation.js";
import type { Link } from "./job-links.js";
import { isLive, type Video } from "./job-view.js";
import type { Composer } from "./parts/composer.js";
import type { Revealer } from "./revealer.js";
import type { VideoInput } from "./video-input.js";
import type { WatchedList } from "./watched-list.js";

/** Shows parts of the conversation, and scrolls to them. */
export interface Guide {
  /** Shows the videos and batches that the address names, when the page is opened. */
  begin(links: readonly Link[]): void;
  /**
   * Without links in the address, shows the videos that are being made, once the list is known. Must be called after
   * each change of the list.
   */
  beginWith(list: WatchedList | undefined): void;
  /** Shows a video that the user has just sent. */
  sent(link: Link, input: VideoInput): void;
  /** Shows a video that the user has chosen, and moves the focus to it. */
  open(link: Link): void;
}

/** The parts that a guide moves. */
export interface GuideParts {
  readonly conversation: Conversation;
  readonly revealer: Revealer;
  readonly composer: Pick<Composer, "collapse">;
}

/** Creates a guide. */
export function createGuide({ conversation, revealer, composer }: GuideParts): Guide {
  let hasBegun = false;

  function begin(links: readonly Link[]): void {
    for (const link of links) conversation.show(link);
    const { newest } = conversation;
    hasBegun ||= newest !== undefined;
    if (newest === undefined) return;
    composer.collapse();
    revealer.reveal(newest, "instant");
  }

  return {
    begin,
    beginWith(list) {
      if (hasBegun || !list?.isLoaded) return;
      hasBegun = true;
      const live = list.videos.filter(({ phase }) => isLive(phase)).toReversed();
      begin(live.flatMap(({ video }) => (video === undefined ? [] : [linkOf(video)])));
    },
    sent(link, input) {
      hasBegun = true;
      composer.collapse();
      const isBatch = link.kind === "batch";
      const before = conversation.newest;
      const entry = conversation.show(link, isBatch ? undefined : input);
      // The later videos of a batch do not scroll.
      if (entry !== before) revealer.reveal(entry);
    },
    open(link) {
      hasBegun = true;
      const entry = conversation.show(link);
      composer.collapse();
      revealer.reveal(entry);
      entry.focus();
    },
  };
}

/** The link of the batch to which a video belongs, otherwise that of the video. */
function linkOf({ id, metadata }: Video): Link {
  return metadata.batch === undefined ? { kind: "job", id } : { kind: "batch", id: metadata.batch };
}
