import type { FeedSharing } from "../core/feed/feed.js";
import { checkNames, withoutUndefined } from "../core/option-checks.js";
import { invalidOption } from "../transports/invalid-option.js";
import { type TabChannel, tabGroup } from "./group.js";
import type { TabLocks } from "./leadership.js";
import { sharedConnection } from "./shared-connection.js";

export type { FeedSharing, TabChannel, TabLocks };

/** The options of {@link shareTabs}. Only `key` is required. */
export interface ShareTabsOptions {
  /**
   * The user or the session, such as `user.id`. Only tabs with the same key share a connection, which has the headers
   * and cookies of one of them. Required, because a default would show one user the jobs of another.
   */
  key: string;
  /** @defaultValue `navigator.locks`; without it each tab connects by itself */
  locks?: TabLocks | undefined;
  /** Opens a channel to the other tabs. @defaultValue a `BroadcastChannel` */
  openChannel?: ((name: string) => TabChannel) | undefined;
}

/**
 * Shares one connection among all tabs of a browser that have the same key and `baseUrl`. Pass the return value as the
 * option `tabs` of a `JobManager` or of `watchJobs`.
 *
 * One tab has the connection, and passes everything on to the others. When it is closed, crashes or stops working,
 * another tab replaces it within 15 s, and every job goes on where it was. On a platform without Web Locks or
 * `BroadcastChannel`, such as a page over plain HTTP, each tab connects by itself.
 *
 * @throws `ProgressError` `invalid-option` if `key` is not a string, or is empty.
 * @example
 * ```ts
 * import { JobManager } from "@emlinh/progress-client";
 * import { shareTabs } from "@emlinh/progress-client/tabs";
 *
 * const jobs = new JobManager({ baseUrl: "/api/progress", tabs: shareTabs({ key: user.id }) });
 * ```
 */
export function shareTabs(options: ShareTabsOptions): FeedSharing {
  const wanted = "the id of the user or of the session, as a string that is not empty";
  if (typeof options?.key !== "string" || options.key === "")
    throw invalidOption("key", options?.key, wanted);
  checkNames(options, ["key", "locks", "openChannel"]);
  const { key, locks, openChannel } = { ...platform(), ...withoutUndefined(options) };
  return {
    open(direct, watchOptions, receiver) {
      if (!locks || !openChannel) return direct(watchOptions, receiver);
      const group = tabGroup({ key, baseUrl: watchOptions.baseUrl, locks, openChannel });
      return sharedConnection({ group, direct, options: watchOptions, receiver });
    },
  };
}

/** The means of the platform, as far as it has them. */
function platform(): Omit<ShareTabsOptions, "key"> {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  const hasChannels = typeof BroadcastChannel !== "undefined";
  return { locks, openChannel: hasChannels ? (name) => new BroadcastChannel(name) : undefined };
}
