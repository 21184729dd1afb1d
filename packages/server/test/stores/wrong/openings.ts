import { type HoldWrite, isProgressError, parseCursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { jobHeld } from "../../../src/shared/errors.js";
import { altersHolds, force } from "./alter-holds.js";
import { otherWork, unwritten, type WrongStore, withTimes } from "./wrong-store.js";

/** Opens a job in any case, if `mayOpen` answers so after the right store refused it. */
function opensIf(mayOpen: (hold: HoldWrite, own: string) => HoldWrite) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async write(id, change) {
      if (change.hold?.opens === undefined) return right.write(id, change);
      const { cursor = "" } = (await right.read(id)) ?? {};
      return right.write(id, { ...change, hold: mayOpen(change.hold, cursor) });
    },
  });
}

/** Wrong about who may open a job. */
export const WRONG_OPENINGS: readonly WrongStore[] = [
  {
    does: "opens a leased job without a takeover",
    group: "hold",
    wrong: altersHolds(({ opens, ...hold }) =>
      opens === undefined ? hold : { ...hold, opens: { ...opens, takeOver: true } },
    ),
  },
  {
    does: "refuses an explicit takeover",
    group: "hold",
    wrong: altersHolds(({ opens, ...hold }) =>
      opens === undefined ? hold : { ...hold, opens: { ...opens, takeOver: false } },
    ),
  },
  {
    does: "refuses to open a leased job for the next attempt",
    group: "hold",
    wrong: withTimes((right, { leases }, clock) => ({
      async write(id, change) {
        const { opens } = change.hold ?? {};
        const isLeased = (leases.get(id) ?? 0) > clock();
        if (opens?.takeOver === false && change.set.attempt === 2 && isLeased) throw jobHeld(id);
        if (change.leaseMs !== undefined) leases.set(id, clock() + change.leaseMs);
        return right.write(id, change);
      },
    })),
  },
  {
    does: "opens a job for a worker that read it before another hold began",
    group: "hold",
    wrong: opensIf(({ opens, ...hold }, own) => ({
      ...hold,
      opens: { seen: own, takeOver: opens?.takeOver ?? false },
    })),
  },
  {
    does: "ignores the epoch of the cursor at which a worker read the job",
    group: "hold",
    wrong: opensIf(({ opens, ...hold }, own) => {
      const [read, current] = [parseCursor(opens?.seen), parseCursor(own)];
      const seen = `${current?.epoch}.${read?.version ?? current?.version}`;
      return { ...hold, opens: { seen, takeOver: opens?.takeOver ?? false } };
    }),
  },
  {
    does: "opens a job only for a worker that read its newest version",
    group: "hold",
    wrong: opensIf((hold, own) =>
      hold.opens?.seen === own
        ? hold
        : { ...hold, opens: { seen: "other.1", takeOver: hold.opens?.takeOver ?? false } },
    ),
  },
  {
    does: "does not free a job whose lease ran out",
    group: "hold",
    wrong: (right) => {
      const held = new Set<string>();
      return {
        async write(id, change) {
          const { opens } = change.hold ?? {};
          if (opens !== undefined && !opens.takeOver && held.has(id) && !change.set.attempt)
            throw jobHeld(id);
          if (change.leaseMs !== undefined) held.add(id);
          if (change.leaseMs === 0) held.delete(id);
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "does not free a job whose lease was given up",
    group: "hold",
    wrong: (right) => {
      const held = new Set<string>();
      return {
        async write(id, change) {
          const { opens } = change.hold ?? {};
          if (opens !== undefined && !opens.takeOver && held.has(id)) throw jobHeld(id);
          if (change.leaseMs === 0) held.add(id);
          return right.write(id, change);
        },
      };
    },
  },
  {
    does: "frees a job a minute before its lease has run out",
    group: "hold",
    wrong: withTimes((right, { leases }, clock) => ({
      async write(id, change) {
        const { opens } = change.hold ?? {};
        const isLate = (leases.get(id) ?? 0) - 60_000 <= clock();
        if (change.leaseMs !== undefined) leases.set(id, clock() + change.leaseMs);
        return opens !== undefined && isLate ? force(right, id, change) : right.write(id, change);
      },
    })),
  },
  {
    does: "checks the hold of a job and opens it in two steps",
    group: "hold",
    wrong: (right) => ({
      async write(id, change) {
        const { opens } = change.hold ?? {};
        const { cursor } = (await right.read(id)) ?? {};
        if (opens === undefined || opens.seen !== cursor || change.set.message === undefined)
          return right.write(id, change);
        await otherWork();
        return opens.takeOver || change.leaseMs !== undefined
          ? force(right, id, change)
          : right.write(id, change);
      },
    }),
  },
  {
    does: "opens a job that has ended",
    group: "hold",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch((error: unknown) => {
          if (change.hold?.opens === undefined || !isProgressError(error, "job-finished"))
            throw error;
          return unwritten(right, id);
        }),
    }),
  },
  {
    does: "opens a job that it does not know",
    group: "hold",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch((error: unknown) => {
          if (change.hold?.opens === undefined || !isProgressError(error, "job-not-found"))
            throw error;
          return { cursor: "e.1", now: 0 };
        }),
    }),
  },
];
