import { epochs } from "./epochs.js";
import { altersWakes, keyOf, otherWork, versionOf, type WrongStore } from "./wrong-store.js";

/** Wrong watches, wrong behaviour when a store is closed, and instances that do not share their data. */
export const WRONG_WATCHES: readonly WrongStore[] = [
  { does: "never wakes", group: "watch", wrong: () => ({ watch: async () => async () => {} }) },
  {
    does: "wakes once",
    group: "watch",
    wrong: altersWakes((wake, times, version) => times === 1 && wake(version)),
  },
  {
    does: "wakes every other time",
    group: "watch",
    wrong: altersWakes((wake, times, version) => times % 2 === 0 && wake(version)),
  },
  {
    does: "wakes before it writes",
    group: "watch",
    wrong: (right) => {
      const all = new Map<string, Set<() => void>>();
      return {
        async watch(target, wake) {
          const own = all.get(keyOf(target)) ?? new Set();
          all.set(keyOf(target), own.add(wake));
          return async () => void own.delete(wake);
        },
        async write(id, change) {
          for (const wake of all.get(keyOf({ jobId: id })) ?? []) wake();
          await otherWork();
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "identifies watches by their function",
    group: "watch",
    wrong: (right) => {
      const all = new Map<unknown, Promise<() => Promise<void>>>();
      return {
        async watch(target, wake) {
          const watch = all.get(wake) ?? right.watch(target, wake);
          all.set(wake, watch);
          return watch;
        },
      };
    },
  },
  {
    does: "ends all watches of a job when one ends",
    group: "watch",
    wrong: (right) => {
      const all = new Map<string, (() => Promise<void>)[]>();
      return {
        async watch(target, wake) {
          const own = all.get(keyOf(target)) ?? [];
          own.push(await right.watch(target, wake));
          all.set(keyOf(target), own);
          return async () => void (await Promise.all(own.map((unwatch) => unwatch())));
        },
      };
    },
  },
  {
    does: "wakes after the end of a watch",
    group: "watch",
    wrong: (right) => ({
      async watch(target, wake) {
        await right.watch(target, wake);
        return async () => {};
      },
    }),
  },
  {
    does: "refuses to watch an unknown job",
    group: "watch",
    wrong: (right) => ({
      async watch(target, wake) {
        if ("jobId" in target && (await versionOf(right, target.jobId)) === 0)
          throw new Error("There is no such job.");
        return right.watch(target, wake);
      },
    }),
  },
  {
    does: "throws a wake's error to the writer",
    group: "watch",
    wrong: (right) => {
      let thrown: unknown;
      return {
        watch: (target, wake) =>
          right.watch(target, (version) => {
            try {
              wake(version);
            } catch (error) {
              thrown = error;
            }
          }),
        async write(id, change) {
          const cursor = await right.write(id, change);
          if (thrown !== undefined) throw thrown;
          return cursor;
        },
      };
    },
  },
  {
    does: "throws when a watch is ended twice",
    group: "watch",
    wrong: (right) => ({
      async watch(target, wake) {
        const unwatch = await right.watch(target, wake);
        let ended = false;
        return async () => {
          if (ended) throw new Error("There is no such watch.");
          ended = true;
          await unwatch();
        };
      },
    }),
  },
  {
    does: "throws when it is closed twice",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async close() {
          if (closed) throw new Error("Closed already.");
          closed = true;
          await right.close();
        },
      };
    },
  },
  { does: "works after it was closed", group: "close", wrong: () => ({ close: async () => {} }) },
  {
    does: "throws its client's error from write() when it is closed",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async write(id, change) {
          await otherWork();
          if (closed) throw new TypeError("The connection is closed.");
          return right.write(id, change);
        },
        close() {
          closed = true;
          return right.close();
        },
      };
    },
  },
  {
    does: "throws when a watch ends after it was closed",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async watch(target, wake) {
          const unwatch = await right.watch(target, wake);
          return async () => {
            if (closed) throw new Error("Closed.");
            await unwatch();
          };
        },
        close() {
          closed = true;
          return right.close();
        },
      };
    },
  },
  {
    does: "keeps jobs per instance",
    group: "shared",
    options: (options) => ({ ...options, space: `${options.space}${Math.random()}` }),
  },
  {
    does: "loses its jobs when it is closed",
    group: "durable",
    options: (options) => ({ ...options, space: `${options.space}${Math.random()}` }),
  },
  {
    does: "returns another epoch in each process",
    group: "shared",
    wrong: (right) => {
      const own = Math.random().toString(36).slice(2);
      return epochs((real) => `${real}${own}`)(right);
    },
  },
];
