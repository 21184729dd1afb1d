import type { ProgressStore } from "../../core/store.js";
import { targetWatchers } from "../shared/target-watchers.js";
import { createChangePoller } from "./change-poller.js";
import type { SqliteStoreSettings } from "./options.js";
import type { Statements } from "./statements.js";
import type { WakeUps } from "./transaction.js";

/** The watches of this process. Its own writes wake them at once, those of other processes by the change poller. */
export interface SqliteWatches extends Pick<ProgressStore, "watch"> {
  /** Wakes the watchers of the jobs and lists that a transaction of this process changed. */
  committed(number: number, wakeUps: WakeUps): void;
  /** Ends every watch. */
  close(): void;
}

/** Makes an empty list of watches. It polls only while there is a watch. */
export function sqliteWatches(
  settings: SqliteStoreSettings,
  statements: () => Statements,
): SqliteWatches {
  const watching = targetWatchers();
  const poller = createChangePoller(settings, watching, statements);
  return {
    async watch(target, wake) {
      const unwatch = watching.add(target, wake);
      const end = async (): Promise<void> => {
        await unwatch();
        if (watching.size === 0) poller.stop();
      };
      try {
        await poller.start();
      } catch (error) {
        await end();
        throw error;
      }
      return end;
    },
    committed(number, wakeUps) {
      poller.committed(number);
      for (const [jobId, version] of wakeUps.jobs) watching.jobs.wake(jobId, version);
      for (const subject of wakeUps.lists) watching.lists.wake(subject);
    },
    close() {
      poller.stop();
      watching.clear();
    },
  };
}
