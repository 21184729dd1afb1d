import type { Cursor, ProgressError } from "@emlinh/progress-protocol";
import type { Unwatch, Wake, WatchTarget } from "../../core/store.js";
import { storeUnavailable } from "../../shared/errors.js";
import { within } from "../../shared/time.js";
import { outageReporter } from "../shared/outage-reporter.js";
import { watchers } from "../shared/watchers.js";
import { createChangeListener } from "./change-listener.js";
import type { ChangeNotification } from "./change-notification.js";
import { messageOf } from "./failures.js";
import type { PostgresSettings } from "./options.js";
import { createPoller } from "./poller.js";
import { versionTracker } from "./version-tracker.js";
import { isPossible, type WatchKey, watchKey } from "./watch-key.js";

/** The watches of one store. */
export interface PostgresWatches {
  watch(target: WatchTarget, wake: Wake): Unwatch;
  /** Wakes the watchers of a job or list that was changed, unless they were woken for this change. */
  onNotification(notification: ChangeNotification): void;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The dependencies of {@link createPostgresWatches}. */
export interface WatchContext
  extends Pick<PostgresSettings, "pool" | "listener" | "names" | "pollMs" | "onError"> {
  /** Begins the payloads of this process. */
  readonly sender: string;
  /** The cursors of those of the jobs and lists that have one. */
  readonly currentCursors: (keys: readonly WatchKey[]) => Promise<ReadonlyMap<WatchKey, Cursor>>;
}

/** While the listener works, polls are this many times rarer: they only find what a crash kept from being notified. */
const LISTENING_POLL_FACTOR = 10;

/** A poll that takes longer has failed: its connection may have been cut silently. */
const POLL_TIMEOUT_MS = 10_000;

const CLOSE_TIMEOUT_MS = 2_000;

/**
 * A watch is in force as soon as it is added: the next poll finds every change after that. The listener, which the
 * first watch starts, only finds it sooner. All watchers are woken when the listener begins to listen, and after each
 * interruption.
 */
export function createPostgresWatches(context: WatchContext): PostgresWatches {
  const { pollMs, currentCursors } = context;
  const wakes = watchers();
  const versions = versionTracker(wakes.wake);
  const pollOutage = outageReporter(context.onError);
  let isClosed = false;

  const listener = createChangeListener({
    ...context,
    onNotification: versions.onNotification,
    onStateChange(isListening) {
      if (isListening) wakeAll();
      poller.reschedule();
    },
  });
  const poller = createPoller(poll, () => {
    if (isClosed || wakes.size === 0) return Number.POSITIVE_INFINITY;
    return listener.isListening() ? pollMs * LISTENING_POLL_FACTOR : pollMs;
  });

  function wakeAll(): void {
    versions.forgetVersions();
    wakes.wakeAll();
  }

  async function poll(): Promise<void> {
    try {
      const keys = versions.keys().filter(isPossible);
      const cursors = await within(POLL_TIMEOUT_MS, currentCursors(keys));
      if (pollOutage.end()) wakeAll();
      if (versions.onPoll(keys, cursors)) listener.onMissedChange();
    } catch (error) {
      if (!isClosed) pollOutage.report(pollFailed(error));
    }
  }

  return {
    onNotification: versions.onNotification,
    watch(target, wake) {
      const key = watchKey(target);
      const untrack = versions.track(key);
      const removeWake = wakes.add(key, wake);
      poller.start();
      listener.start();
      return async () => {
        await removeWake();
        untrack();
        if (wakes.size === 0) poller.stop();
      };
    },
    async close() {
      isClosed = true;
      poller.stop();
      wakes.clear();
      versions.clear();
      // The connection may never answer.
      await within(CLOSE_TIMEOUT_MS, listener.close()).catch(() => {});
    },
  };
}

function pollFailed(cause: unknown): ProgressError {
  return storeUnavailable(
    `The PostgreSQL store could not poll the watched jobs and lists (${messageOf(cause)}). It tries again.`,
    cause,
  );
}
