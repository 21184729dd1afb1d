import type { Cursor, Delta } from "@emlinh/progress-protocol";
import type { GuardedStore } from "../../../../src/core/guarded-store.js";
import type { Wake, Written } from "../../../../src/core/store.js";
import { closedGate, type Gate } from "../../gate.js";

/** A store of one job whose wakes and replies come only when the test sends them. */
export interface ScriptedStore extends GuardedStore {
  /** The version that reads return. The first one is 1. `wake` and `reply` raise it. */
  version: number;
  epoch: string;
  /** The cursors of the reads so far. The first read has none. */
  readonly reads: (Cursor | undefined)[];
  /** The fields of the next deltas. */
  fields: Delta["set"];
  /** Reads throw this error while it is set. */
  readError: Error | undefined;
  /** Whether reads return `undefined`. */
  isRemoved: boolean;
  /** Number of watches that were ended. */
  unwatched: number;
  /** The error that the end of a watch rejects with. */
  unwatchError: Error | undefined;
  wake(version?: number): void;
  /** Delays the replies of reads that begin from now on. @returns a function that sends them. */
  holdReads(): () => void;
  /** Delays the start of watches. @returns a function that starts them. */
  holdWatches(): () => void;
  /** Replies to the oldest write that has no reply, with the cursor of a version. */
  reply(version: number): void;
  /** Rejects the oldest write that has no reply. */
  rejectWrite(error: Error): void;
}

interface PendingReply {
  resolve(written: Written): void;
  reject(error: Error): void;
}

/** Makes a store whose job has the version 1. */
export function scriptedStore(): ScriptedStore {
  const replies: PendingReply[] = [];
  let wakeWatcher: Wake = () => {};
  let readGate: Gate | undefined;
  let watchGate: Gate | undefined;

  const store: ScriptedStore = {
    maxLogLines: 10,
    version: 1,
    epoch: "epoch",
    reads: [],
    fields: {},
    readError: undefined,
    isRemoved: false,
    unwatched: 0,
    unwatchError: undefined,
    wake(version) {
      store.version = Math.max(store.version, version ?? 0);
      wakeWatcher(version);
    },
    holdReads() {
      const gate = closedGate();
      readGate = gate;
      return () => {
        readGate = undefined;
        gate.open();
      };
    },
    holdWatches() {
      watchGate = closedGate();
      return watchGate.open;
    },
    reply(version) {
      store.version = Math.max(store.version, version);
      replies.shift()?.resolve({ cursor: `${store.epoch}.${version}`, now: Date.now() });
    },
    rejectWrite: (error) => replies.shift()?.reject(error),
    async watch(_target, wake) {
      await watchGate?.opened;
      wakeWatcher = wake;
      return async () => {
        store.unwatched += 1;
        if (store.unwatchError !== undefined) throw store.unwatchError;
      };
    },
    async read(_jobId, after) {
      store.reads.push(after);
      const { epoch, version, fields, readError, isRemoved } = store;
      await readGate?.opened;
      if (readError !== undefined) throw readError;
      if (isRemoved) return undefined;
      const reset = after === undefined;
      const cursor = `${epoch}.${version}`;
      return { cursor, reset, set: fields, log: [], done: false, now: Date.now() };
    },
    write: () => new Promise((resolve, reject) => replies.push({ resolve, reject })),
    now: () => Date.now(),
    usedAt: () => 0,
    isReachable: async () => true,
    create: unused,
    list: unused,
    remove: unused,
    learn: unused,
    expectations: unused,
    sweep: unused,
  };
  return store;
}

function unused(): Promise<never> {
  return Promise.reject(new Error("The job watcher must not call this method."));
}
