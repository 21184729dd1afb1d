import type { Change, Fields, ProgressError } from "@emlinh/progress-protocol";
import { createJobWatcher, type JobWatcher } from "../../../../src/core/reporter/job-watcher.js";
import { advance } from "../../context.js";
import { type ScriptedStore, scriptedStore } from "./scripted-store.js";

export const REREAD_MS = 5_000;
export const UPDATE: Change = { set: { message: "m" }, log: [] };
export const RENEWAL: Change = { set: {}, log: [], leaseMs: 15_000 };

/** A watcher, its store, and the calls of its listener and of `onError`. */
export interface WatcherFixture {
  readonly watcher: JobWatcher;
  readonly store: ScriptedStore;
  readonly changes: Fields[];
  readonly removals: "removed"[];
  readonly errors: ProgressError[];
  /** Passes changes on to `changes` and `removals`. */
  listen(): Promise<void>;
  /** Begins an own write. Its reply comes with `store.reply()` or `store.rejectWrite()`. */
  write(change?: Change): void;
  /** Runs what is due, and returns the number of reads after the first one. */
  reads(): Promise<number>;
}

/** A watcher that is not open yet. */
export function watcherFixture(): WatcherFixture {
  const store = scriptedStore();
  const errors: ProgressError[] = [];
  const changes: Fields[] = [];
  const removals: "removed"[] = [];
  const watcher = createJobWatcher({
    jobId: "job",
    store,
    rereadMs: REREAD_MS,
    random: () => 1,
    onError: (error) => errors.push(error),
  });
  return {
    watcher,
    store,
    changes,
    removals,
    errors,
    listen: () =>
      watcher.listen({
        changed: (set) => changes.push(set),
        removed: () => removals.push("removed"),
      }),
    write(change = UPDATE) {
      watcher.write(change).catch(() => {});
    },
    async reads() {
      await advance(0);
      return store.reads.length - 1;
    },
  };
}

/** An open watcher that listens. */
export async function listeningWatcher(): Promise<WatcherFixture> {
  const fixture = watcherFixture();
  await fixture.watcher.open();
  await fixture.listen();
  return fixture;
}
