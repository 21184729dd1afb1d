import { type Change, isProgressError } from "@emlinh/progress-protocol";
import type { ProgressStore, Written } from "../../../src/core/store.js";
import { holdLost, jobHeld } from "../../../src/shared/errors.js";
import { altersHolds, force } from "./alter-holds.js";
import { altersDeltas, unwritten, type WrongStore, withTimes } from "./wrong-store.js";

type Write = ProgressStore["write"];

/** A store with an answer of its own for a write that the right one refuses. */
function altersRefusals(
  code: "hold-lost" | "job-held",
  answer: (right: ProgressStore, id: string, change: Change) => Promise<Written>,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    write: (id, change) =>
      right.write(id, change).catch((error: unknown) => {
        if (!isProgressError(error, code)) throw error;
        return answer(right, id, change);
      }),
  });
}

let instances = 0;

/** Wrong about the writes of another worker, and of code that has no hold. */
const FENCES: readonly WrongStore[] = [
  {
    does: "lets a second worker write",
    group: "hold",
    wrong: altersRefusals("hold-lost", force),
  },
  {
    does: "lets a second worker renew the lease",
    group: "hold",
    wrong: altersRefusals("hold-lost", async (right, id, change) => {
      if (Object.keys(change.set).length + change.log.length > 0) throw holdLost(id);
      return right.write(id, { ...change, hold: undefined });
    }),
  },
  {
    does: "accepts any hold of a job that nobody opened",
    group: "hold",
    wrong: (right) => {
      const opened = new Set<string>();
      return {
        write(id, change) {
          if (change.hold !== undefined && change.hold.opens === undefined && !opened.has(id))
            return force(right, id, change);
          if (change.hold?.opens !== undefined) opened.add(id);
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "ignores the case of tokens",
    group: "hold",
    wrong: altersHolds((hold) => ({ ...hold, token: hold.token.toLowerCase() })),
  },
  {
    does: "ends the hold with the lease",
    group: "hold",
    wrong: (right) => {
      const ended = new Set<string>();
      const write: Write = async (id, change) => {
        const key = `${id}/${change.hold?.token}`;
        if (change.hold !== undefined && ended.has(key)) throw holdLost(id);
        if (change.leaseMs === 0) ended.add(key);
        return right.write(id, change);
      };
      return { write };
    },
  },
  {
    does: "shows readers the token of a hold",
    group: "hold",
    wrong: (right) => {
      const tokens = new Map<string, string>();
      return {
        write(id, change) {
          if (change.hold !== undefined) tokens.set(id, change.hold.token);
          return right.write(id, change);
        },
        ...altersDeltas((delta, _after, id) => ({
          ...delta,
          set: tokens.has(id) ? { ...delta.set, hold: tokens.get(id) ?? "" } : delta.set,
        }))(right),
      };
    },
  },
  {
    does: "refuses a second worker after the end as one that lost its hold",
    group: "hold",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch((error: unknown) => {
          throw change.hold !== undefined && isProgressError(error, "job-finished")
            ? holdLost(id)
            : error;
        }),
    }),
  },
  {
    does: "accepts progress without a hold",
    group: "hold",
    wrong: altersRefusals("job-held", async (right, id, change) => {
      if (change.hold !== undefined) throw jobHeld(id);
      return unwritten(right, id);
    }),
  },
  {
    does: "refuses progress without a hold, although no lease is valid",
    group: "hold",
    wrong: (right) => ({
      async write(id, change) {
        if (change.hold === undefined && change.set.percent !== undefined) throw jobHeld(id);
        return right.write(id, change);
      },
    }),
  },
  {
    does: "refuses every write without a hold while a lease is valid",
    group: "hold",
    wrong: withTimes((right, { leases }, clock) => ({
      async write(id, change) {
        if (change.hold === undefined && (leases.get(id) ?? 0) > clock()) throw jobHeld(id);
        if (change.leaseMs !== undefined) leases.set(id, clock() + change.leaseMs);
        return right.write(id, change);
      },
    })),
  },
];

/** Holds that one instance keeps for itself. */
const INSTANCES: readonly WrongStore[] = [
  {
    does: "keeps the counts of holds in the memory of its process",
    group: "shared",
    wrong: (right) => {
      instances += 1;
      const offset = instances * 1_000_000;
      return altersHolds((hold) => ({ ...hold, count: hold.count + offset }))(right);
    },
  },
  {
    does: "lets the workers of every process hold a job",
    group: "shared",
    wrong: (right) => {
      const own = new Set<string>();
      return {
        async write(id, change) {
          const { hold } = change;
          if (hold === undefined) return right.write(id, change);
          if (hold.opens !== undefined) {
            const isFree = own.size === 0;
            if (!isFree && !hold.opens.takeOver) throw jobHeld(id);
            own.clear();
            own.add(hold.token);
            return force(right, id, change);
          }
          return own.has(hold.token) ? force(right, id, change) : right.write(id, change);
        },
      };
    },
  },
];

/** Wrong holds. */
export const WRONG_HOLDS: readonly WrongStore[] = [...FENCES, ...INSTANCES];
