import { type Fields, isTerminal, type Json } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { altersDeltas, type WrongStore } from "./wrong-store.js";

/** A store that returns another `now` from writes, or from reads. */
function altersNow(
  of: "writes" | "reads",
  alter: (now: number, clock: () => number, updatedAt: Json | undefined) => number,
): NonNullable<WrongStore["wrong"]> {
  return (right, { clock }) =>
    of === "writes"
      ? {
          async write(id, change) {
            const { cursor, now } = await right.write(id, change);
            return { cursor, now: alter(now, clock, undefined) };
          },
        }
      : {
          async read(id, after) {
            const delta = await right.read(id, after);
            const { updatedAt } = (delta && (await right.read(id))?.set) ?? {};
            return delta && { ...delta, now: alter(delta.now, clock, updatedAt) };
          },
        };
}

/** A store that returns another `finishedAt`, where the right one returns any. */
function altersFinishedAt(alter: (finishedAt: Json, own: Json | undefined) => Json | undefined) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    const own = new Map<string, Json>();
    return {
      write(id, change) {
        const { status, finishedAt } = change.set;
        if (isTerminal(status) && finishedAt !== undefined) own.set(id, finishedAt);
        return right.write(id, change);
      },
      ...altersDeltas((delta, _after, id) => {
        const { finishedAt, ...set } = delta.set;
        if (finishedAt === undefined || set.status === "lost") return delta;
        const altered = alter(finishedAt, own.get(id));
        return { ...delta, set: altered === undefined ? set : { ...set, finishedAt: altered } };
      })(right),
    };
  };
}

function withFinishedAt(set: Fields): Fields {
  return set.updatedAt === undefined || set.status !== "running"
    ? set
    : { ...set, finishedAt: set.updatedAt };
}

/** Wrong times, and wrong numbers of lines that were lost. */
export const WRONG_TIMES: readonly WrongStore[] = [
  {
    does: "keeps the worker's own finishedAt",
    group: "times",
    wrong: altersFinishedAt((finishedAt, own) => own ?? finishedAt),
  },
  { does: "sets no finishedAt", group: "times", wrong: altersFinishedAt(() => undefined) },
  {
    does: "sets finishedAt a millisecond after the end",
    group: "times",
    wrong: altersFinishedAt((finishedAt) => Number(finishedAt) + 1),
  },
  {
    does: "sets finishedAt before the end",
    group: "times",
    wrong: altersDeltas((delta) => ({ ...delta, set: withFinishedAt(delta.set) })),
  },
  {
    does: "returns the wall clock's time from writes",
    group: "times",
    wrong: altersNow("writes", () => Date.now()),
  },
  {
    does: "returns the wall clock's time from reads",
    group: "times",
    wrong: altersNow("reads", () => Date.now()),
  },
  {
    does: "returns the time of the last version from reads",
    group: "times",
    wrong: altersNow("reads", (now, _clock, updatedAt) => Number(updatedAt ?? now)),
  },
  {
    does: "returns a time in seconds from reads",
    group: "times",
    wrong: altersNow("reads", (now) => now / 1000),
  },
  {
    does: "returns its process's time from reads, but claims to use its backend's clock",
    group: "skew",
    clock: "backend",
    wrong: altersNow("reads", (_now, clock) => clock()),
  },
  {
    does: "ignores lost lines",
    group: "log",
    wrong: (right) => ({ write: (id, { lostLines: _, ...change }) => right.write(id, change) }),
  },
  {
    does: "keeps lost lines in the place of others",
    group: "log",
    wrong: (right) => ({
      write: (id, { lostLines = 0, log, ...change }) => {
        const lost = Array.from({ length: lostLines }, () => ({
          at: 0,
          level: "info" as const,
          text: "lost",
        }));
        return right.write(id, { ...change, log: [...lost, ...log] });
      },
      ...altersDeltas((delta) => ({
        ...delta,
        log: delta.log.filter(({ text }) => text !== "lost"),
      }))(right),
    }),
  },
  {
    does: "ignores the lost lines of the end",
    group: "log",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, isTerminal(change.set.status) ? { ...change, lostLines: 0 } : change),
    }),
  },
];
