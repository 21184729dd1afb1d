import type { ProgressStore, Unwatch, Wake } from "../../src/core/store.js";
import type { Subject } from "./shared-memory.js";
import { subjectOf, type WrongStore } from "./wrong/wrong-store.js";

/** A right store whose wakes differ. A wake is only a hint, so the suite must accept it. */
export type OddStore = Pick<WrongStore, "does" | "wrong">;

/** Calls a wake in a timer, where an error would be unhandled. One of the wakes of the suite throws. */
function safely(wake: Wake, version?: number): void {
  try {
    wake(version);
  } catch {
    // A store ignores the errors of wakes.
  }
}

/** A store that calls `deliver` for each wake, until the watch ends or the store is closed. */
function delivers(deliver: (wake: Wake, version: number | undefined) => void) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    let closed = false;
    return {
      async watch(target, wake): Promise<Unwatch> {
        let ended = false;
        const guarded: Wake = (version) => {
          if (!ended && !closed) safely(wake, version);
        };
        const unwatch = await right.watch(target, (version) => deliver(guarded, version));
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
    does: "wakes at once and again later",
    wrong: delivers((wake, version) => {
      wake(version);
      setTimeout(wake, 5, version);
    }),
  },
  {
    does: "wakes out of order",
    wrong: delivers((wake, version) => void setTimeout(wake, ((version ?? 0) % 3) * 2, version)),
  },
  { does: "wakes without a version", wrong: delivers((wake) => wake()) },
  {
    does: "wakes with every other version",
    wrong: delivers((wake, version) =>
      wake(version !== undefined && version % 2 === 0 ? version : undefined),
    ),
  },
  {
    does: "wakes when a watch begins, without a change",
    wrong: (right) => ({
      async watch(target, wake) {
        const unwatch = await right.watch(target, wake);
        safely(wake);
        return unwatch;
      },
    }),
  },
  {
    does: "wakes once for all changes of a millisecond, with the version of the last one",
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

/** Makes one of them. Some wake by timers, which are late on a busy machine, so the suite waits longer. */
export function oddSubject(odd: OddStore): Subject {
  const { makeStore, capabilities } = subjectOf(odd);
  return { makeStore, capabilities: { ...capabilities, maxWakeMs: 5_000 } };
}
