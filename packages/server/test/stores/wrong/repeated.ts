import type { Change } from "@emlinh/progress-protocol";
import type { ProgressStore, Written } from "../../../src/core/store.js";
import { holdLost, jobFinished } from "../../../src/shared/errors.js";
import { altersHolds, force } from "./alter-holds.js";
import { otherWork, unwritten, type WrongStore } from "./wrong-store.js";

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

async function isEnded(right: ProgressStore, id: string): Promise<boolean> {
  return (await right.read(id))?.done === true;
}

/** Wrong about writes that arrive twice or late. */
export const WRONG_REPEATED: readonly WrongStore[] = [
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
