import { after, type Timer } from "../../shared/time.js";
import type { Watchers } from "../shared/watchers.js";
import { isBusy, unavailable, whenFree } from "./busy.js";
import type { SqliteStoreSettings } from "./options.js";
import type { Statements } from "./statements.js";

/** Wakes this process' watchers for what other processes write. */
export interface Feed {
  /** Resolves when every later change will be seen. Does nothing if it runs. */
  start(): Promise<void>;
  stop(): void;
  /** A transaction of this process' own, whose watchers were woken already. */
  committed(change: number): void;
}

/** Transactions behind which all watchers are woken, and no list is read: a process that slept for an hour must not read the hour. */
const MAX_BEHIND = 10_000;

/** Milliseconds between looks while they fail. */
const BROKEN_POLL_MS = 1_000;

/**
 * A feed that doesn't run. A look is one row by its key: SQLite's own `data_version` costs as much, and would also tell of
 * every other table, and not of a second store on the same connection.
 */
export function createFeed(
  settings: Pick<SqliteStoreSettings, "pollMs" | "busyTimeoutMs" | "onError">,
  watching: Watchers,
  ready: () => Statements,
): Feed {
  const { pollMs, busyTimeoutMs, onError } = settings;
  /** The last transaction that is known here. */
  let seen = 0;
  let timer: Timer | undefined;
  let running = false;
  let broken = false;

  function look(): void {
    const statements = ready();
    const changes = statements.changes() ?? 0;
    if (changes === seen) return;
    if (changes < seen || changes - seen > MAX_BEHIND) watching.wakeAll();
    else
      for (const { id, version, removed, born } of statements.changedSince(seen))
        watching.wake(id, removed || born > seen ? undefined : version);
    seen = changes;
  }

  function lookSafely(): void {
    try {
      look();
      if (broken) watching.wakeAll();
      broken = false;
    } catch (error) {
      // A lock that lasts is told to those who write; the next look is soon.
      if (!isBusy(error) && !broken) {
        broken = true;
        onError(unavailable(error));
      }
    }
    if (running) schedule();
  }

  function schedule(): void {
    if (pollMs === false) return;
    timer = after(broken ? BROKEN_POLL_MS : pollMs, lookSafely);
  }

  return {
    async start() {
      if (running || pollMs === false) return;
      const changes = await whenFree(() => ready().changes() ?? 0, busyTimeoutMs);
      // Meanwhile others may have started it, or ended the watch for which it was to run.
      if (running || watching.size === 0) return;
      running = true;
      seen = changes;
      schedule();
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
    committed(change) {
      if (change === seen + 1) seen = change;
    },
  };
}
