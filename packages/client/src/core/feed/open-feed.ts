import { invalidOption } from "../../transports/invalid-option.js";
import { directFeed } from "./direct-feed.js";
import type { FeedSharing, OpenFeed } from "./feed.js";

/**
 * Returns what opens the feed of a page: by itself, or with other tabs.
 *
 * @throws {@link ProgressError} `invalid-option`.
 */
export function feedOpener(tabs: FeedSharing | undefined): OpenFeed {
  if (tabs === undefined) return directFeed;
  if (typeof tabs?.open !== "function")
    throw invalidOption("tabs", tabs, "the return value of shareTabs() of the entry /tabs");
  return (options, receiver) => tabs.open(directFeed, options, receiver);
}
