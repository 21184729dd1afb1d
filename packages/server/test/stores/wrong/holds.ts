import {
  type Change,
  type HoldWrite,
  isProgressError,
  parseCursor,
} from "@emlinh/progress-protocol";
import type { ProgressStore, Written } from "../../../src/core/store.js";
import { holdLost, jobFinished, jobHeld } from "../../../src/shared/errors.js";
import { altersDeltas, otherWork, unwritten, type WrongStore, withTimes } from "./wrong-store.js";

type Write = ProgressStore["write"];

/** A store that alters the hold of each write that has one. */
function altersHolds(alter: (hold: HoldWrite, change: Change) => HoldWrite) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    write: (id, change) =>
      right.write(
        id,
        change.hold === undefined ? change : { ...change, hold: alter(change.hold, change) },
      ),
  });
}

/** A store with a rule of its own for a write whose count its token has had. */
function altersRepeated(
  answer: (right: ProgressStore, id: string, change: Change) => Promise<Written>,
) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    const counts = new Map<string, number>();
    return {
      async write(id, change) {
        const { hold } = change;
        if (hold === undefined) return right.write(id, change);
        const key = `${id}/${hold.token}`;
        const known = counts.get(key) ?? 0;
        if (hold.count <= known) return answer(right, id, change);
        const written = await right.write(id, change);
        counts.set(key, Math.max(counts.get(key) ?? 0, hold.count));
        return written;
      },
    };
  };
}

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

/** Writes with a hold that the right store must accept. */
async function force(right: ProgressStore, id: string, change: Change): Promise<Written> {
  const { cursor: seen = "" } = (await right.read(id)) ?? {};
  const { token = "" } = change.hold ?? {};
  return right.write(id, {
    ...change,
    hold: { token, count: 1e15, opens: { seen, takeOver: true } },
  });
}

async function isEnded(right: ProgressStore, id: string): Promise<boolean> {
  return (await right.read(id))?.done === true;
}

/** Wrong about writes that arrive twice or late. */
const REPEATED: readonly WrongStore[] = [
  {
    does: "applies a write that arrives again",
    group: "hold",
    wrong: altersRepeated(async (right, id, change) =>
      (await isEnded(right, id)) ? unwritten(right, id) : force(right, id, change),
    ),
  },
  {
    does: "applies a write that never arrived before, although a later one did",
    group: "hold",
    wrong: (right) => {
      const seen = new Set<string>();
      return {
        async write(id, change) {
          const key = JSON.stringify([id, change.hold?.token, change.hold?.count]);
          const isNew = change.hold !== undefined && !seen.has(key);
          seen.add(key);
          const before = (await right.read(id))?.cursor;
          const written = await right.write(id, change);
          return isNew && written.cursor === before && change.set.percent !== undefined
            ? force(right, id, change)
            : written;
        },
      };
    },
  },
  {
    does: "checks and keeps the count in two steps",
    group: "hold",
    wrong: (right) => {
      const counts = new Map<string, number>();
      return {
        async write(id, change) {
          const { hold } = change;
          if (hold === undefined || hold.opens !== undefined) return right.write(id, change);
          const known = counts.get(`${id}/${hold.token}`) ?? 1;
          if (hold.count <= known) return right.write(id, change);
          await otherWork();
          counts.set(`${id}/${hold.token}`, hold.count);
          return force(right, id, change);
        },
      };
    },
  },
  {
    does: "refuses a write that arrives again",
    group: "hold",
    wrong: altersRepeated((_right, id) => Promise.reject(holdLost(id))),
  },
  {
    does: "refuses a write that arrives again after the end",
    group: "hold",
    wrong: altersRepeated(async (right, id, change) => {
      if (await isEnded(right, id)) throw jobFinished(id, "completed");
      return right.write(id, change);
    }),
  },
  {
    does: "returns the first cursor of a write that arrives again",
    group: "hold",
    wrong: (right) => {
      const first = new Map<string, Written>();
      return {
        async write(id, change) {
          const written = await right.write(id, change);
          if (change.hold === undefined) return written;
          const key = JSON.stringify([id, change.hold.token, change.hold.count]);
          first.set(key, first.get(key) ?? written);
          return first.get(key) ?? written;
        },
      };
    },
  },
  {
    does: "keeps the count of a hold in 32 bits",
    group: "hold",
    wrong: altersHolds((hold) => ({ ...hold, count: hold.count | 0 })),
  },
  {
    does: "renews the lease by a write that arrives again",
    group: "hold",
    wrong: altersRepeated((right, id, { leaseMs }) =>
      leaseMs ? right.write(id, { set: {}, log: [], leaseMs }) : unwritten(right, id),
    ),
  },
  {
    does: "gives up the lease by a write that arrives again",
    group: "hold",
    wrong: altersRepeated((right, id, { leaseMs }) =>
      leaseMs === 0 ? right.write(id, { set: {}, log: [], leaseMs }) : unwritten(right, id),
    ),
  },
  {
    does: "takes a write that arrives again for a sign of life of an idle job",
    group: "hold",
    wrong: altersRepeated(async (right, id) =>
      (await isEnded(right, id)) ? unwritten(right, id) : right.write(id, { set: {}, log: [] }),
    ),
  },
];

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

let instances = 0;

/** Wrong about who may open a job. */
const OPENINGS: readonly WrongStore[] = [
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
export const WRONG_HOLDS: readonly WrongStore[] = [
  ...REPEATED,
  ...FENCES,
  ...OPENINGS,
  ...INSTANCES,
];
