import type { Wake } from "../../../src/core/store.js";
import { altersWakes, keyOf, otherWork, type WrongStore } from "./wrong-store.js";

/** Wrong versions in wakes. */
export const WRONG_WAKES: readonly WrongStore[] = [
  {
    does: "wakes with the next version",
    group: "wakes",
    wrong: altersWakes((wake, _times, version) => wake(version && version + 1)),
  },
  {
    does: "wakes with the version before",
    group: "wakes",
    wrong: altersWakes((wake, _times, version) => wake(version && version - 1)),
  },
  {
    does: "wakes with the number of wakes",
    group: "wakes",
    wrong: altersWakes((wake, times) => wake(times)),
  },
  {
    does: "wakes with a version before it can be read",
    group: "wakes",
    wrong: (right) => {
      const all = new Map<string, Set<Wake>>();
      return {
        async watch(target, wake) {
          const own = all.get(keyOf(target)) ?? new Set();
          all.set(keyOf(target), own.add(wake));
          return async () => void own.delete(wake);
        },
        async write(id, change) {
          const version = Number((await right.read(id))?.cursor.split(".")[1]) + 1;
          for (const wake of all.get(keyOf({ jobId: id })) ?? []) wake(version);
          await otherWork();
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "wakes with the last version at a removal",
    group: "wakes",
    wrong: altersWakes((wake, _times, version) => wake(version ?? 2)),
  },
  {
    does: "wakes with a version at a creation",
    group: "wakes",
    wrong: (right) => {
      const fresh = new Set<string>();
      return {
        create(draft) {
          fresh.add(draft.id);
          return right.create(draft);
        },
        watch: (target, wake) =>
          right.watch(target, (version) =>
            wake("jobId" in target && fresh.delete(target.jobId) ? (version ?? 1) : version),
          ),
      };
    },
  },
];
