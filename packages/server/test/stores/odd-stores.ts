import type { ProgressStore, Unwatch, Wake } from "../../src/core/store.js";
import type { Subject } from "./shared-memory.js";
import { subjectOf, type WrongStore } from "./wrong/wrong-store.js";

/** A right store that isn't like the others: a wake is only a hint, and the suite must ask no more of it. */
export type OddStore = Pick<WrongStore, "does" | "wrong">;

/** One of the suite's wakes throws, and a timer has nobody who would take that. */
function safely(wake: Wake, version?: number): void {
  try {
    wake(version);
  } catch {
    // A store takes no harm from it.
  }
}

/** Calls `deliver` for each wake, until the watch has ended or the store is closed. */
function delivers(deliver: (wake: Wake, version: number | undefined) => void) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    let closed = false;
    return {
      async watch(id, wake): Promise<Unwatch> {
        let ended = false;
        const guarded: Wake = (version) => {
          if (!ended && !closed) safely(wake, version);
        };
        const unwatch = await right.watch(id, (version) => deliver(guarded, version));
        return async () => {
          ended = true;
          await unwatch();
        };
      },
      async close() {
        closed = true;
        await right.close();
      },
    };
  };
}

export const ODD_STORES: readonly OddStore[] = [
  {
    does: "wakes twice",
    wrong: delivers((wake, version) => {
      wake(version);
      wake(version);
    }),
  },
  {
    does: "wakes late",
    wrong: delivers((wake, version) => void setTimeout(wake, 5, version)),
  },
  {
    does: "wakes at once, and late once more",
    wrong: delivers((wake, version) => {
      wake(version);
      setTimeout(wake, 5, version);
    }),
  },
  {
    does: "wakes out of order",
    wrong: delivers((wake, version) => void setTimeout(wake, ((version ?? 0) % 3) * 2, version)),
  },
  { does: "tells no version", wrong: delivers((wake) => wake()) },
  {
    does: "tells every other version",
    wrong: delivers((wake, version) =>
      wake(version !== undefined && version % 2 === 0 ? version : undefined),
    ),
  },
  {
    does: "wakes when a watch begins, for nothing",
    wrong: (right) => ({
      async watch(id, wake) {
        const unwatch = await right.watch(id, wake);
        safely(wake);
        return unwatch;
      },
    }),
  },
  {
    does: "wakes once for all changes of a moment, and tells the last one's version",
    wrong: (right) => {
      const kept = new Map<Wake, number | undefined>();
      return delivers((wake, version) => {
        const isWaiting = kept.has(wake);
        kept.set(
          wake,
          version === undefined || (isWaiting && kept.get(wake) === undefined)
            ? undefined
            : version,
        );
        if (isWaiting) return;
        setTimeout(() => {
          const last = kept.get(wake);
          kept.delete(wake);
          wake(last);
        }, 1);
      })(right);
    },
  },
];

/** What the suite is run against for one of them. Some wake by timers, which a busy machine makes late. */
export function oddSubject(odd: OddStore): Subject {
  const { makeStore, capabilities } = subjectOf(odd);
  return { makeStore, capabilities: { ...capabilities, maxWakeMs: 5_000 } };
}
