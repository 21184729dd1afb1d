import type { ProgressStore, Wake, WatchTarget } from "../../../src/core/store.js";
import { keyOf, otherWork, versionOf, type WrongStore } from "./wrong-store.js";

/** A store that watches subjects by another rule. */
function altersListWatches(
  watchList: (
    subject: string,
    wake: Wake,
    right: ProgressStore,
  ) => ReturnType<ProgressStore["watch"]>,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    watch: (target, wake) =>
      "subject" in target ? watchList(target.subject, wake, right) : right.watch(target, wake),
  });
}

/** A store that drops the wakes of subjects while one of its methods runs. */
function isSilentDuring(method: "create" | "remove" | "sweep") {
  return (right: ProgressStore): Partial<ProgressStore> => {
    let running = 0;
    return {
      ...altersListWatches((subject, wake) =>
        right.watch({ subject }, () => void (running > 0 || wake())),
      )(right),
      async [method](...args: never[]) {
        running += 1;
        // The memory store wakes while its method runs.
        const call = right[method] as (...args: never[]) => Promise<unknown>;
        return call(...args).finally(() => {
          running -= 1;
        });
      },
    };
  };
}

/** The watches of subjects, for stores that wake by themselves. */
function ownWatches(right: ProgressStore) {
  const all = new Map<string, Set<Wake>>();
  return {
    wakeAll(subjects: readonly string[]): void {
      for (const subject of subjects) for (const wake of all.get(keyOf({ subject })) ?? []) wake();
    },
    async watch(target: WatchTarget, wake: Wake) {
      if ("jobId" in target) return right.watch(target, wake);
      const own = all.get(keyOf(target)) ?? new Set();
      all.set(keyOf(target), own.add(wake));
      return async () => void own.delete(wake);
    },
  };
}

/** Wrong watches of lists. */
export const WRONG_LIST_WATCHES: readonly WrongStore[] = [
  { does: "does not wake for a creation", group: "list watch", wrong: isSilentDuring("create") },
  { does: "does not wake for a removal", group: "list watch", wrong: isSilentDuring("remove") },
  { does: "does not wake for an expiry", group: "list watch", wrong: isSilentDuring("sweep") },
  {
    does: "refuses to watch a subject without jobs",
    group: "list watch",
    wrong: altersListWatches(async (subject, wake, right) => {
      if ((await right.list(subject, { limit: 1 })).jobs.length === 0)
        throw new Error("There is no such subject.");
      return right.watch({ subject }, wake);
    }),
  },
  {
    does: "wakes for the first subject of a job",
    group: "list watch",
    wrong: (right) => {
      const { watch, wakeAll } = ownWatches(right);
      const firsts = new Map<string, readonly string[]>();
      return {
        watch,
        async create(draft) {
          firsts.set(draft.id, (draft.subjects ?? []).slice(0, 1));
          const created = await right.create(draft);
          wakeAll(firsts.get(draft.id) ?? []);
          return created;
        },
        async remove(id) {
          const isKnown = await right.remove(id);
          wakeAll(firsts.get(id) ?? []);
          return isKnown;
        },
      };
    },
  },
  {
    does: "wakes before the job is in the list",
    group: "list watch",
    wrong: (right) => {
      const { watch, wakeAll } = ownWatches(right);
      return {
        watch,
        async create(draft) {
          wakeAll(draft.subjects ?? []);
          await otherWork();
          return right.create(draft);
        },
      };
    },
  },
  {
    does: "wakes the watchers of a list with a version",
    group: "list watch",
    wrong: altersListWatches((subject, wake, right) => right.watch({ subject }, () => wake(1))),
  },
  {
    does: "wakes the watchers of a list once",
    group: "list watch",
    wrong: altersListWatches((subject, wake, right) => {
      let isFirst = true;
      return right.watch({ subject }, () => {
        if (isFirst) wake();
        isFirst = false;
      });
    }),
  },
  {
    does: "wakes the watchers of a list for each change of its jobs",
    group: "list watch",
    wrong: (right) => {
      const subjects = new Map<string, readonly string[]>();
      const { watch, wakeAll } = ownWatches(right);
      return {
        async create(draft) {
          subjects.set(draft.id, [...(draft.subjects ?? [])]);
          return right.create(draft);
        },
        async write(id, change) {
          const written = await right.write(id, change);
          wakeAll(subjects.get(id) ?? []);
          return written;
        },
        async watch(target, wake) {
          const ends = await Promise.all([right.watch(target, wake), watch(target, wake)]);
          return async () => void (await Promise.all(ends.map((end) => end())));
        },
      };
    },
  },
  {
    does: "takes the watch of a subject for that of a job with the same text",
    group: "list watch",
    wrong: (right) => {
      const kept = new Map<string, WatchTarget>();
      return {
        async watch(target, wake) {
          const text = "jobId" in target ? target.jobId : target.subject;
          const first = kept.get(text) ?? target;
          kept.set(text, first);
          return right.watch(first, wake);
        },
      };
    },
  },
  {
    does: "wakes the watchers of a list after the end of their watch",
    group: "list watch",
    wrong: altersListWatches(async (subject, wake, right) => {
      await right.watch({ subject }, wake);
      return async () => {};
    }),
  },
  {
    does: "wakes the watchers of a list for the changes of its own process",
    group: "shared lists",
    wrong: (right) => {
      let isOwn = false;
      const owns = <Result>(run: () => Promise<Result>): Promise<Result> => {
        isOwn = true;
        return run().finally(() => {
          isOwn = false;
        });
      };
      return {
        ...altersListWatches((subject, wake) => right.watch({ subject }, () => isOwn && wake()))(
          right,
        ),
        create: (draft) => owns(() => right.create(draft)),
        remove: (id) => owns(() => right.remove(id)),
        sweep: (...args) => owns(() => right.sweep(...args)),
      };
    },
  },
  {
    does: "loses the watches of lists when its backend loses its data",
    group: "shared lists",
    wrong: (right) => {
      const known = new Set<string>();
      return {
        create(draft) {
          known.add(draft.id);
          return right.create(draft);
        },
        ...altersListWatches((subject, wake) =>
          right.watch({ subject }, async () => {
            const [first = ""] = known;
            if ((await versionOf(right, first)) > 0) wake();
          }),
        )(right),
      };
    },
  },
];
