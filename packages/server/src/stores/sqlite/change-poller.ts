import { after, type Timer } from "../../shared/time.js";
import type { TargetWatchers } from "../shared/target-watchers.js";
import { isBusy, unavailable, whenFree } from "./busy.js";
import type { SqliteStoreSettings } from "./options.js";
import type { Statements } from "./statements.js";
import { MAX_MISSED } from "./transaction.js";

/** Wakes this process's watchers when other processes write. */
export interface ChangePoller {
  /** Resolves when every later change will be noticed. Does nothing if the poller runs already. */
  start(): Promise<void>;
  stop(): void;
  /** Notes a transaction of this process, whose watchers were woken already. */
  committed(number: number): void;
}

/** Milliseconds between two polls while polling fails. */
const FAILING_POLL_MS = 1_000;

/**
 * Makes a poller that does not run yet. A poll reads one row by its key. SQLite's own `data_version` costs as much; it
 * also changes with every other table, and not for a second store on the same connection.
 */
export function createChangePoller(
  settings: Pick<SqliteStoreSettings, "pollMs" | "busyTimeoutMs" | "onError">,
  watching: TargetWatchers,
  statements: () => Statements,
): ChangePoller {
  const { pollMs, busyTimeoutMs, onError } = settings;
  /** The last transaction whose watchers were woken. */
  let seen = 0;
  let timer: Timer | undefined;
  let running = false;
  let failing = false;

  function pollAndSchedule(): void {
    try {
      seen = wakeForChanges(statements(), watching, seen);
      if (failing) watching.wakeAll();
      failing = false;
    } catch (error) {
      // A lock is no failure: the next poll is soon, and calls report a lock that lasts.
      if (!isBusy(error) && !failing) {
        failing = true;
        onError(unavailable(error));
      }
    }
    if (running) schedule();
  }

  function schedule(): void {
    if (pollMs === false) return;
    timer = after(failing ? FAILING_POLL_MS : pollMs, pollAndSchedule);
  }

  return {
    async start() {
      if (running || pollMs === false) return;
      const last = await whenFree(() => statements().lastTransaction() ?? 0, busyTimeoutMs);
      // During the wait another watch may have started the poller, or the watch that needs it may have ended.
      if (running || watching.size === 0) return;
      running = true;
      seen = last;
      schedule();
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
    committed(number) {
      if (number === seen + 1) seen = number;
    },
  };
}

/**
 * Wakes the watchers of the jobs and lists that changed after transaction `seen`.
 *
 * @returns the number of the last transaction.
 */
function wakeForChanges(
  { lastTransaction, changedSince, listsChangedSince }: Statements,
  watching: TargetWatchers,
  seen: number,
): number {
  const last = lastTransaction() ?? 0;
  if (last === seen) return last;
  // A lower number means that the file lost its data and began to count again. A process that slept for an hour must
  // not read an hour's changes.
  if (last < seen || last - seen > MAX_MISSED) watching.wakeAll();
  else {
    if (watching.jobs.size > 0)
      for (const { id, version, removed, createdIn } of changedSince(seen))
        watching.jobs.wake(id, removed || createdIn > seen ? undefined : version);
    if (watching.lists.size > 0)
      for (const subject of new Set(listsChangedSince(seen))) watching.lists.wake(subject);
  }
  return last;
}
