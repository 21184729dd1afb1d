import { isProgressError, isTerminal, parseCursor, printCursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { epochs } from "./epochs.js";
import { altersDeltas, fieldsOf, unwritten, type WrongStore } from "./wrong-store.js";

/** A store that reports a write after the end as accepted. */
function swallowing(
  when: (change: Parameters<ProgressStore["write"]>[1], race: boolean) => boolean,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async write(id, change) {
      const race = !isTerminal((await fieldsOf(right, id)).status);
      return right.write(id, change).catch(async (error: unknown) => {
        if (!isProgressError(error, "job-finished") || !when(change, race)) throw error;
        return unwritten(right, id);
      });
    },
  });
}

/** Wrong deltas: cursors, lines, the end. */
export const WRONG_READS: readonly WrongStore[] = [
  {
    does: "makes epochs that are too long",
    group: "cursors",
    wrong: epochs((real) => real.repeat(2)),
  },
  {
    does: "treats the cursor as inclusive",
    group: "cursors",
    wrong: (right) => ({
      read(id, after) {
        const at = parseCursor(after);
        return right.read(
          id,
          at === undefined ? after : printCursor({ ...at, version: Math.max(0, at.version - 1) }),
        );
      },
    }),
  },
  {
    does: "returns the whole state each time",
    group: "cursors",
    wrong: (right) => ({ read: (id) => right.read(id) }),
  },
  {
    does: "drops nulls",
    group: "cursors",
    wrong: altersDeltas((delta) => ({
      ...delta,
      set: Object.fromEntries(Object.entries(delta.set).filter(([, value]) => value !== null)),
    })),
  },
  {
    does: "raises the version by two",
    group: "cursors",
    wrong: (right) => ({
      async write(id, change) {
        const written = await right.write(id, { ...change, leaseMs: undefined });
        return Object.keys(change.set).length === 0 || change.set.status !== undefined
          ? written
          : right.write(id, { ...change, log: [] });
      },
    }),
  },
  {
    does: "throws for a malformed cursor",
    group: "cursors",
    wrong: (right) => ({
      async read(id, after) {
        if (after !== undefined && parseCursor(after) === undefined)
          throw new Error("Malformed cursor.");
        return right.read(id, after);
      },
    }),
  },
  {
    does: "ignores the epoch of a cursor",
    group: "cursors",
    wrong: (right) => ({
      async read(id, after) {
        const [own, asked] = [parseCursor((await right.read(id))?.cursor), parseCursor(after)];
        return right.read(
          id,
          own !== undefined && asked !== undefined
            ? printCursor({ ...own, version: asked.version })
            : after,
        );
      },
    }),
  },
  {
    does: "returns an empty delta for a cursor from the future",
    group: "cursors",
    wrong: altersDeltas((delta, after) => {
      const [own, asked] = [parseCursor(delta.cursor), parseCursor(after)];
      return own?.epoch === asked?.epoch && (asked?.version ?? 0) > (own?.version ?? 0)
        ? { ...delta, reset: false, set: {}, log: [] }
        : delta;
    }),
  },
  {
    does: "throws for an unknown job",
    group: "cursors",
    wrong: (right) => ({
      async read(id, after) {
        return (await right.read(id, after)) ?? Promise.reject(new Error("There is no such job."));
      },
    }),
  },
  {
    does: "numbers lines from 0",
    group: "log",
    wrong: altersDeltas((delta) => ({
      ...delta,
      log: delta.log.map((line) => ({ ...line, n: line.n - 1 })),
    })),
  },
  {
    does: "numbers lines by their position in the delta",
    group: "log",
    wrong: altersDeltas((delta) => ({
      ...delta,
      log: delta.log.map((line, index) => ({ ...line, n: index + 1 })),
    })),
  },
  {
    does: "returns lines without their data",
    group: "log",
    wrong: altersDeltas((delta) => ({
      ...delta,
      log: delta.log.map(({ data: _, ...line }) => line),
    })),
  },
  {
    does: "keeps every line",
    group: "log",
    options: (options) => ({ ...options, maxLogLines: Number.POSITIVE_INFINITY }),
  },
  {
    does: "drops lines before it numbers them",
    group: "log",
    wrong: (right, { maxLogLines }) => ({
      write: (id, change) => right.write(id, { ...change, log: change.log.slice(-maxLogLines) }),
    }),
  },
  {
    does: "returns each line twice",
    group: "log",
    wrong: altersDeltas((delta) => ({ ...delta, log: delta.log.flatMap((line) => [line, line]) })),
  },
  {
    does: "drops the lines of the end",
    group: "log",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, isTerminal(change.set.status) ? { ...change, log: [] } : change),
    }),
  },
  {
    does: "ignores writes after the end instead of refusing them",
    group: "end",
    wrong: swallowing(() => true),
  },
  {
    does: "accepts a renewal of a job that has ended",
    group: "end",
    wrong: swallowing(({ set, leaseMs }) => leaseMs !== undefined && Object.keys(set).length === 0),
  },
  {
    does: "checks for the end and writes in two steps",
    group: "end",
    wrong: swallowing((_change, race) => race),
  },
  {
    does: "removes a job when its end is read",
    group: "end",
    wrong: (right) => {
      const read = new Set<string>();
      return altersDeltas((delta, _after, id) => {
        if (read.has(id)) return undefined;
        if (isTerminal(delta.set.status)) read.add(id);
        return delta;
      })(right);
    },
  },
];
