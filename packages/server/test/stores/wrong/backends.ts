import { isProgressError, isTerminal } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { aWhile, fieldsOf, reports, type WrongStore, withTimes } from "./wrong-store.js";

/** The clock of the tests begins here. */
const START = 1_700_000_000_000;

function hasGone(store: ProgressStore, id: string): Promise<boolean> {
  return store.read(id).then(
    (delta) => delta === undefined,
    () => false,
  );
}

/** Wrong about whose time it is, about what it keeps beside its backend, and about a close in the middle. */
export const WRONG_BACKENDS: readonly WrongStore[] = [
  {
    does: "sets times by its process' clock, and claims its backend's",
    group: "skew",
    claims: "backend",
  },
  {
    does: "sweeps by its process' clock, and writes by its backend's",
    group: "skew",
    clock: "backend",
    wrong: (right, { clock }) => ({
      sweep: (now, limit) => right.sweep(now ?? Date.now() + clock() - START, limit),
    }),
  },
  {
    does: "drops a write whose clock is behind the job's",
    group: "skew",
    wrong: (right, { clock }) => ({
      async write(id, change) {
        const cursor = (await right.read(id).catch(() => undefined))?.cursor;
        if (cursor !== undefined && Number((await fieldsOf(right, id)).updatedAt) > clock())
          return cursor;
        return right.write(id, change);
      },
    }),
  },
  {
    does: "takes a second end whose clock is ahead of the first's",
    group: "skew",
    wrong: (right, { clock }) => ({
      write: (id, change) =>
        right.write(id, change).catch(async (error: unknown) => {
          const { updatedAt } = await fieldsOf(right, id);
          if (!isProgressError(error, "job-finished") || Number(updatedAt) >= clock()) throw error;
          return (await right.read(id))?.cursor ?? "";
        }),
    }),
  },
  {
    does: "sweeps by a clock that is ahead of the one it writes by",
    group: "skew",
    wrong: (right, { clock }) => ({
      sweep: (now, limit) => right.sweep(now ?? clock() + 3_600_000, limit),
    }),
  },
  {
    does: "tells a job from the copy that it has",
    group: "emptied",
    wrong: (right) => {
      const copies = new Map<string, Awaited<ReturnType<ProgressStore["read"]>>>();
      return {
        async read(id, after) {
          const delta = await right.read(id, after);
          if (delta?.reset) copies.set(id, delta);
          return delta ?? copies.get(id);
        },
      };
    },
  },
  {
    does: "forgets its watches when a job is created anew",
    group: "emptied",
    wrong: (right) => {
      const known = new Set<string>();
      const anew = new Set<string>();
      return {
        async create(draft) {
          if (known.has(draft.id) && (await hasGone(right, draft.id))) anew.add(draft.id);
          known.add(draft.id);
          return right.create(draft);
        },
        watch: (id, wake) => right.watch(id, (version) => void (anew.has(id) || wake(version))),
      };
    },
  },
  {
    does: "sweeps by a list of its own",
    group: "emptied",
    wrong: withTimes((right, { leases }, clock) =>
      reports(async (report, now) => {
        const due = [...leases].filter(([, until]) => until <= now);
        const gone = await Promise.all(due.map(([id]) => hasGone(right, id)));
        return { ...report, lost: report.lost + gone.filter(Boolean).length };
      })(right, { clock }),
    ),
  },
  {
    does: "acknowledges a write before it does it",
    group: "durable",
    wrong: (right) => {
      let closed = false;
      return {
        async write(id, change) {
          const cursor = (await right.read(id))?.cursor;
          if (cursor === undefined || change.leaseMs !== undefined || isTerminal(change.set.status))
            return right.write(id, change);
          void aWhile().then(() => (closed ? "" : right.write(id, change).catch(() => "")));
          return cursor;
        },
        close() {
          closed = true;
          return right.close();
        },
      };
    },
  },
  {
    does: "lets its client's error out of a watch when it is closed",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async watch(id, wake) {
          await aWhile();
          if (closed) throw new TypeError("the connection is gone");
          return right.watch(id, wake);
        },
        close() {
          closed = true;
          return right.close();
        },
      };
    },
  },
];
