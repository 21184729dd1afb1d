import type { Wake } from "../../../src/core/store.js";
import { aWhile, type WrongStore, wakes } from "./wrong-store.js";

/** Wrong about the versions that wakes tell. */
export const WRONG_WAKES: readonly WrongStore[] = [
  {
    does: "tells the version that comes next",
    group: "wakes",
    wrong: wakes((wake, _times, version) => wake(version && version + 1)),
  },
  {
    does: "tells the version before",
    group: "wakes",
    wrong: wakes((wake, _times, version) => wake(version && version - 1)),
  },
  {
    does: "tells how often it woke",
    group: "wakes",
    wrong: wakes((wake, times) => wake(times)),
  },
  {
    does: "tells a version before it can be read",
    group: "wakes",
    wrong: (right) => {
      const all = new Map<string, Set<Wake>>();
      return {
        async watch(id, wake) {
          const own = all.get(id) ?? new Set();
          all.set(id, own.add(wake));
          return async () => void own.delete(wake);
        },
        async write(id, change) {
          const version = Number((await right.read(id))?.cursor.split(".")[1]) + 1;
          for (const wake of all.get(id) ?? []) wake(version);
          await aWhile();
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "tells the last version at a removal",
    group: "wakes",
    wrong: wakes((wake, _times, version) => wake(version ?? 2)),
  },
  {
    does: "tells the version at a creation",
    group: "wakes",
    wrong: (right) => {
      const fresh = new Set<string>();
      return {
        create(draft) {
          fresh.add(draft.id);
          return right.create(draft);
        },
        watch: (id, wake) =>
          right.watch(id, (version) => wake(fresh.delete(id) ? (version ?? 1) : version)),
      };
    },
  },
];
