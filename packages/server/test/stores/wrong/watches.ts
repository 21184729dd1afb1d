import { epochs } from "./epochs.js";
import { aWhile, type WrongStore, wakes } from "./wrong-store.js";

/** Wrong about wakes, the close, and what is behind an instance. */
export const WRONG_WATCHES: readonly WrongStore[] = [
  { does: "never wakes", group: "watch", wrong: () => ({ watch: async () => async () => {} }) },
  {
    does: "wakes once",
    group: "watch",
    wrong: wakes((wake, times, version) => times === 1 && wake(version)),
  },
  {
    does: "wakes every other time",
    group: "watch",
    wrong: wakes((wake, times, version) => times % 2 === 0 && wake(version)),
  },
  {
    does: "wakes before it writes",
    group: "watch",
    wrong: (right) => {
      const all = new Map<string, Set<() => void>>();
      return {
        async watch(id, wake) {
          const own = all.get(id) ?? new Set();
          all.set(id, own.add(wake));
          return async () => void own.delete(wake);
        },
        async write(id, change) {
          for (const wake of all.get(id) ?? []) wake();
          await aWhile();
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "keeps watches by their function",
    group: "watch",
    wrong: (right) => {
      const all = new Map<unknown, Promise<() => Promise<void>>>();
      return {
        async watch(id, wake) {
          const watch = all.get(wake) ?? right.watch(id, wake);
          all.set(wake, watch);
          return watch;
        },
      };
    },
  },
  {
    does: "ends all watches of a job at once",
    group: "watch",
    wrong: (right) => {
      const all = new Map<string, (() => Promise<void>)[]>();
      return {
        async watch(id, wake) {
          const own = all.get(id) ?? [];
          own.push(await right.watch(id, wake));
          all.set(id, own);
          return async () => void (await Promise.all(own.map((unwatch) => unwatch())));
        },
      };
    },
  },
  {
    does: "wakes after the end of a watch",
    group: "watch",
    wrong: (right) => ({
      async watch(id, wake) {
        await right.watch(id, wake);
        return async () => {};
      },
    }),
  },
  {
    does: "refuses to watch an unknown job",
    group: "watch",
    wrong: (right) => ({
      async watch(id, wake) {
        if ((await right.read(id).catch(() => undefined)) === undefined)
          throw new Error("no such job");
        return right.watch(id, wake);
      },
    }),
  },
  {
    does: "hands a wake's error to the writer",
    group: "watch",
    wrong: (right) => {
      let thrown: unknown;
      return {
        watch: (id, wake) =>
          right.watch(id, (version) => {
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
    does: "complains of a watch that is ended twice",
    group: "watch",
    wrong: (right) => ({
      async watch(id, wake) {
        const unwatch = await right.watch(id, wake);
        let ended = false;
        return async () => {
          if (ended) throw new Error("there is no such watch");
          ended = true;
          await unwatch();
        };
      },
    }),
  },
  {
    does: "can be closed but once",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async close() {
          if (closed) throw new Error("closed already");
          closed = true;
          await right.close();
        },
      };
    },
  },
  { does: "works on when it is closed", group: "close", wrong: () => ({ close: async () => {} }) },
  {
    does: "lets its client's error out when it is closed",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async write(id, change) {
          await aWhile();
          if (closed) throw new TypeError("the connection is gone");
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
    does: "can't end a watch once it is closed",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async watch(id, wake) {
          const unwatch = await right.watch(id, wake);
          return async () => {
            if (closed) throw new Error("closed");
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
    does: "forgets its jobs when it is closed",
    group: "durable",
    options: (options) => ({ ...options, space: `${options.space}${Math.random()}` }),
  },
  {
    does: "makes a new epoch in each process",
    group: "shared",
    wrong: (right) => {
      const own = Math.random().toString(36).slice(2);
      return epochs((real) => `${real}${own}`)(right);
    },
  },
];
