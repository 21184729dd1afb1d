import {
  addToChange,
  applyDelta,
  type Delta,
  deltaAfter,
  deltaOfChange,
  emptyReplica,
  fieldValue,
  isTerminal,
  type OpenChange,
  type Replica,
  replicaFields,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { history, untypedSet } from "./support/arbitraries.js";
import { mergeDeltas } from "./support/merge-deltas.js";
import { allDeltas, cursorAt, MAX_LOG_LINES, storedJob, write } from "./support/stored-job.js";

/** Applies deltas to a replica, in order, and returns it. */
function applied(replica: Replica, ...deltas: readonly Delta[]): Replica {
  for (const delta of deltas) applyDelta(replica, delta, MAX_LOG_LINES);
  return replica;
}

const copyOf = (replica: Replica): Replica => structuredClone(replica);

describe("a reader's replica", () => {
  test("given any split of a history into deltas, from any moment of joining, equals the stored job", () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(), { maxLength: 12 }), (changes, stops) => {
        const job = emptyReplica("e");
        const reader = emptyReplica();
        const read = () => applied(reader, deltaAfter(job, reader.cursor));
        for (const [index, change] of changes.entries()) {
          write(job, change);
          if (stops.some((stop) => stop % changes.length === index)) read();
        }
        read();
        expect(deltaAfter(reader)).toEqual(deltaAfter(job));
      }),
    );
  });

  test("given a delta that comes twice or late, does not change", () => {
    fc.assert(
      fc.property(
        history,
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
        (changes, late) => {
          const job = storedJob(changes);
          const deltas = allDeltas(changes);
          const reader = applied(emptyReplica(), deltaAfter(job));
          const before = copyOf(reader);
          for (const [version, after] of late) {
            const old = deltas[1 + (version % Math.max(1, job.version))] ?? [];
            const delta = old[after % old.length];
            if (delta === undefined || delta.reset) continue;
            expect(applyDelta(reader, delta, MAX_LOG_LINES)).toBe("known");
            expect(reader).toEqual(before);
          }
        },
      ),
    );
  });

  test("given a delta of another epoch that is no reset, does not change", () => {
    fc.assert(
      fc.property(history, history, fc.nat(), (changes, others, after) => {
        const reader = applied(emptyReplica(), deltaAfter(storedJob(changes)));
        const before = copyOf(reader);
        const other = storedJob(others);
        const delta = deltaAfter(other, cursorAt(after % (other.version + 1)));
        const foreign = { ...delta, cursor: `other.${other.version + 99}` };
        expect(applyDelta(reader, foreign, MAX_LOG_LINES)).toBe("unknown-epoch");
        expect(reader).toEqual(before);
      }),
    );
  });

  test("given a malformed cursor, does not change, even by a reset", () => {
    const reader = applied(emptyReplica(), deltaAfter(storedJob([])));
    const before = copyOf(reader);
    const delta = { cursor: "nonsense", reset: true, set: { status: "lost" }, log: [], done: true };
    expect(applyDelta(reader, delta)).toBe("unknown-epoch");
    expect(reader).toEqual(before);
  });

  test("given no data yet, accepts only a reset", () => {
    fc.assert(
      fc.property(history, (changes) => {
        const job = storedJob(changes);
        const reader = emptyReplica();
        const delta = deltaAfter(job, cursorAt(0));
        expect(applyDelta(reader, delta, MAX_LOG_LINES)).toBe("unknown-epoch");
        expect(reader).toEqual(emptyReplica());
        expect(applyDelta(reader, deltaAfter(job), MAX_LOG_LINES)).toBe("reset");
        expect(deltaAfter(reader)).toEqual(deltaAfter(job));
      }),
    );
  });

  test("given a reset, keeps nothing of what it held", () => {
    fc.assert(
      fc.property(history, history, (changes, others) => {
        const reader = applied(emptyReplica(), deltaAfter(storedJob(changes)));
        const snapshot = { ...deltaAfter(storedJob(others)), cursor: "other.1" };
        expect(applyDelta(reader, snapshot, MAX_LOG_LINES)).toBe("reset");
        expect(deltaAfter(reader)).toEqual(snapshot);
      }),
    );
  });

  test("given deltas, returns after each cursor at least what the stored job returns, and the same state", () => {
    fc.assert(
      fc.property(
        history,
        fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }),
        fc.nat(),
        (changes, reads, cursor) => {
          const job = emptyReplica("e");
          const copy = emptyReplica();
          for (const [index, change] of changes.entries()) {
            write(job, change);
            if (reads[index]) applied(copy, deltaAfter(job, copy.cursor));
          }
          applied(copy, deltaAfter(job, copy.cursor));
          const after = cursorAt(cursor % (job.version + 1));
          const [exact, kept] = [deltaAfter(job, after), deltaAfter(copy, after)];
          expect(kept.cursor).toBe(exact.cursor);
          expect(kept.done).toBe(exact.done);
          expect(kept.log).toEqual(exact.log);
          expect(kept.set).toMatchObject(exact.set);
          expect(deltaAfter(copy)).toEqual(deltaAfter(job));
        },
      ),
    );
  });
});

describe("two deltas in a row", () => {
  test("given any three moments of a history, have the same effect as their merge", () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (changes, first, second) => {
        const last = storedJob(changes).version;
        if (last < 1) return;
        const [from = 0, to = 0] = [first % (last + 1), second % (last + 1)].sort((x, y) => x - y);
        const reader = emptyReplica("e");
        for (const change of changes) if (reader.version < from) write(reader, change);
        const deltas = allDeltas(changes);
        const [earlier, later] = [deltas[to]?.[from], deltas[last]?.[to]];
        if (earlier === undefined || later === undefined) return;
        const oneByOne = applied(copyOf(reader), earlier, later);
        const atOnce = applied(reader, mergeDeltas(earlier, later, MAX_LOG_LINES));
        expect(deltaAfter(oneByOne)).toEqual(deltaAfter(atOnce));
      }),
    );
  });

  test("given resets and new epochs among three of them, may be merged in either order", () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 3 }), (parts) => {
        const [a, b, c] = inARow(parts);
        const merge = (x: Delta, y: Delta) => mergeDeltas(x, y, MAX_LOG_LINES);
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        const oneByOne = applied(emptyReplica("e"), a, b, c);
        const atOnce = applied(emptyReplica("e"), merge(merge(a, b), c));
        expect(deltaAfter(oneByOne)).toEqual(deltaAfter(atOnce));
      }),
    );
  });

  const part = fc.record({
    reset: fc.constantFrom(false, "same epoch" as const, "new epoch" as const),
    set: untypedSet,
    lines: fc.nat({ max: 3 }),
    done: fc.boolean(),
  });
  type Part = typeof part extends fc.Arbitrary<infer Value> ? Value : never;

  /** Deltas that one reader can get one after the other. */
  function inARow(parts: readonly Part[]): [Delta, Delta, Delta] {
    let epoch = "e";
    let n = 0;
    return parts.map(({ reset, set, lines, done }, index): Delta => {
      const version = index + 1;
      if (reset === "new epoch") {
        epoch += "e";
        n = 0;
      }
      const log = Array.from({ length: lines }, () => {
        n += 1;
        return { n, version, at: n, level: "info" as const, text: `${n}` };
      });
      return { cursor: `${epoch}.${version}`, reset: reset !== false, set, log, done };
    }) as [Delta, Delta, Delta];
  }
});

describe("a stored job", () => {
  test("given changes that were coalesced, has the state that it has after each one alone", () => {
    fc.assert(
      fc.property(history, (changes) => {
        const singly = storedJob(changes);
        const coalesced: OpenChange = { set: {}, log: [] };
        for (const change of changes) addToChange(coalesced, change);
        const merged = storedJob([coalesced]);
        expect(replicaFields(merged)).toEqual(replicaFields(singly));
        expect(merged.done).toBe(singly.done);
        const texts = ({ log }: Replica) => log.map(({ n, text }) => [n, text]);
        expect(texts(merged)).toEqual(texts(singly));
      }),
    );
  });

  test("given any history, says in each delta whether it has ended", () => {
    fc.assert(
      fc.property(history, fc.nat(), (changes, after) => {
        const job = storedJob(changes);
        const ended = isTerminal(fieldValue(job, "status"));
        expect(job.done).toBe(ended);
        expect(deltaAfter(job).done).toBe(ended);
        expect(deltaAfter(job, cursorAt(after % (job.version + 1))).done).toBe(ended);
      }),
    );
  });

  test("given lost lines, skips their numbers, so that the loss is a gap", () => {
    const job = storedJob([]);
    const line = { at: 1, level: "info" as const, text: "x" };
    for (const lostLines of [0, 3, undefined, 500])
      write(job, { set: {}, log: [line, line], lostLines });
    expect(job.log.map(({ n }) => n)).toEqual([1, 2, 6, 7, 8, 9, 510, 511].slice(-MAX_LOG_LINES));
  });

  test("given the cursor of the last version, returns an empty delta without a look at the fields", () => {
    const job = storedJob([{ set: { message: "one" }, log: [] }]);
    const fields = new Proxy(job.fields, {
      get() {
        throw new Error("A look at the fields.");
      },
    });
    const { cursor, done } = job;
    const idle = deltaAfter({ ...job, fields }, cursor);
    expect(idle).toEqual({ cursor, reset: false, set: {}, log: [], done });
  });

  test("given a change that readers can't see, raises no version", () => {
    const job = storedJob([]);
    expect(deltaOfChange(job, { set: {}, log: [] })).toBeUndefined();
  });
});
