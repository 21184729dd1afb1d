import { isProgressError, isTerminal } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import {
  altersReports,
  fieldsOf,
  otherWork,
  unwritten,
  type WrongStore,
  withTimes,
} from "./wrong-store.js";

/** The time at which the clock of the tests begins. */
const START = 1_700_000_000_000;

function isUnknown(store: ProgressStore, id: string): Promise<boolean> {
  return store.read(id).then(
    (delta) => delta === undefined,
    () => false,
  );
}

/** Wrong clocks, wrong caches beside the backend, and wrong behaviour when a store is closed or its data are lost. */
export const WRONG_BACKENDS: readonly WrongStore[] = [
  {
    does: "sets times by its process's clock, but claims to use its backend's",
    group: "skew",
    claims: "backend",
  },
  {
    does: "sweeps by its process's clock, but writes by its backend's",
    group: "skew",
    clock: "backend",
    wrong: (right, { clock }) => ({
      sweep: (now, limit, onEnd) => right.sweep(now ?? Date.now() + clock() - START, limit, onEnd),
    }),
  },
  {
    does: "drops a write whose clock is behind the job's updatedAt",
    group: "skew",
    wrong: (right, { clock }) => ({
      async write(id, change) {
        if (Number((await fieldsOf(right, id)).updatedAt) > clock()) return unwritten(right, id);
        return right.write(id, change);
      },
    }),
  },
  {
    does: "accepts a second end whose clock is ahead of the first end's",
    group: "skew",
    wrong: (right, { clock }) => ({
      write: (id, change) =>
        right.write(id, change).catch(async (error: unknown) => {
          const { updatedAt } = await fieldsOf(right, id);
          if (!isProgressError(error, "job-finished") || Number(updatedAt) >= clock()) throw error;
          return unwritten(right, id);
        }),
    }),
  },
  {
    does: "sweeps by a clock that is ahead of the one for writes",
    group: "skew",
    wrong: (right, { clock }) => ({
      sweep: (now, limit, onEnd) => right.sweep(now ?? clock() + 3_600_000, limit, onEnd),
    }),
  },
  {
    does: "returns a cached job that its backend has lost",
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
    does: "loses its watches when a job is created again",
    group: "emptied",
    wrong: (right) => {
      const known = new Set<string>();
      const recreated = new Set<string>();
      return {
        async create(draft) {
          if (known.has(draft.id) && (await isUnknown(right, draft.id))) recreated.add(draft.id);
          known.add(draft.id);
          return right.create(draft);
        },
        watch: (target, wake) =>
          right.watch(
            target,
            (version) => void (("jobId" in target && recreated.has(target.jobId)) || wake(version)),
          ),
      };
    },
  },
  {
    does: "sweeps by its own list of jobs",
    group: "emptied",
    wrong: withTimes((right, { leases }, clock) =>
      altersReports(async (report, now) => {
        const due = [...leases].filter(([, until]) => until <= now);
        const gone = await Promise.all(due.map(([id]) => isUnknown(right, id)));
        return { ...report, lost: report.lost + gone.filter(Boolean).length };
      })(right, { clock }),
    ),
  },
  {
    does: "acknowledges a write before it is stored",
    group: "durable",
    wrong: (right) => {
      let closed = false;
      return {
        async write(id, change) {
          const known = await unwritten(right, id);
          if (
            known.cursor === "" ||
            change.leaseMs !== undefined ||
            change.hold !== undefined ||
            isTerminal(change.set.status)
          )
            return right.write(id, change);
          void otherWork().then(() =>
            closed ? known : right.write(id, change).catch(() => known),
          );
          return known;
        },
        close() {
          closed = true;
          return right.close();
        },
      };
    },
  },
  {
    does: "throws its client's error from watch() when it is closed",
    group: "close",
    wrong: (right) => {
      let closed = false;
      return {
        async watch(target, wake) {
          await otherWork();
          if (closed) throw new TypeError("The connection is closed.");
          return right.watch(target, wake);
        },
        close() {
          closed = true;
          return right.close();
        },
      };
    },
  },
];
