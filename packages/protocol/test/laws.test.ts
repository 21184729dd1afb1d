import {
  absorb,
  apply,
  type Change,
  type Delta,
  emptyLedger,
  eventOf,
  fromWire,
  hasEnded,
  isEnd,
  type Json,
  type Ledger,
  ledgerOf,
  merge,
  mergeChanges,
  printCursor,
  readLedger,
  type Snapshot,
  stateOf,
  toWire,
  writeLedger,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";

const MAX_LOG_LINES = 3;

/** Values that have broken formats before: line ends, NUL, separators, lone surrogates, nothing, numbers at the edge. */
const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "\n",
    "\r\n",
    "a\rb",
    "\u0000",
    "\u2028",
    "\ud800",
    "\udc00x",
    "data: x\n\n",
    "\ufeff",
    "0",
  ),
);
const json = fc
  .jsonValue({ maxDepth: 2 })
  // JSON itself has no -0: it reads it back as 0, which is not the algebra's to mend.
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);
const field = fc.constantFrom(
  "status",
  "message",
  "percent",
  "steps.a",
  "steps.b",
  "metadata.k",
  "metadata.constructor",
);
const valueFor = (name: string): fc.Arbitrary<Json> =>
  name === "status" ? fc.constantFrom("queued", "running") : fc.oneof(hostileText, json);

const set = fc
  .array(field, { maxLength: 4 })
  .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, valueFor(name)]))));
const line = fc.record({
  at: fc.nat(),
  level: fc.constantFrom("info" as const, "warn" as const, "error" as const),
  text: hostileText,
});
const change: fc.Arbitrary<Change> = fc.record({
  set,
  log: fc.array(line, { maxLength: 3 }),
});
const history = fc.array(change, { minLength: 1, maxLength: 12 });

function play(changes: readonly Change[]): { ledger: Ledger; at: Delta[][] } {
  const ledger = emptyLedger("e");
  // at[version][after]: what a reader at `after` gets when the job stands at `version`.
  const at: Delta[][] = [];
  for (const one of changes) {
    writeLedger(ledger, one, MAX_LOG_LINES);
    at[ledger.version] = Array.from({ length: ledger.version + 1 }, (_, after) =>
      readLedger(ledger, printCursor({ epoch: "e", version: after })),
    );
  }
  return { ledger, at };
}

const join = (snapshot: Snapshot | undefined, delta: Delta) =>
  apply(snapshot, delta, MAX_LOG_LINES);

test("any split of a history into deltas, from any moment of joining, gives the state of the store", () => {
  fc.assert(
    fc.property(history, fc.array(fc.nat(), { maxLength: 12 }), (changes, stops) => {
      const ledger = emptyLedger("e");
      let reader: Snapshot | undefined;
      for (const [index, one] of changes.entries()) {
        writeLedger(ledger, one, MAX_LOG_LINES);
        if (stops.some((stop) => stop % changes.length === index))
          reader = join(reader, readLedger(ledger, reader?.cursor));
      }
      reader = join(reader, readLedger(ledger, reader?.cursor));
      expect(reader).toEqual(readLedger(ledger));
    }),
  );
});

test("apply(apply(s, a), b) is apply(s, merge(a, b))", () => {
  fc.assert(
    fc.property(history, fc.nat(), fc.nat(), (changes, first, second) => {
      const { ledger, at } = play(changes);
      const last = ledger.version;
      if (last < 1) return;
      const [from = 0, to = 0] = [first % (last + 1), second % (last + 1)].sort((x, y) => x - y);
      const start = emptyLedger("e");
      for (const one of changes) if (start.version < from) writeLedger(start, one, MAX_LOG_LINES);
      const snapshot = join(undefined, readLedger(start));
      const [a, b] = [at[to]?.[from], at[last]?.[to]];
      if (a === undefined || b === undefined) return;
      expect(join(join(snapshot, a), b)).toEqual(join(snapshot, merge(a, b, MAX_LOG_LINES)));
    }),
  );
});

test("the merge is associative, resets among them", () => {
  const delta = fc.record({
    reset: fc.boolean(),
    set,
    lines: fc.nat({ max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(delta, { minLength: 3, maxLength: 3 }), (parts) => {
      let n = 0;
      const [a, b, c] = parts.map(
        ({ reset, set, lines }, index): Delta => ({
          cursor: `e.${index + 1}`,
          reset,
          set,
          log: Array.from({ length: lines }, () => ({
            n: ++n,
            version: index + 1,
            at: n,
            level: "info",
            text: `${n}`,
          })),
        }),
      ) as [Delta, Delta, Delta];
      const join = (x: Delta, y: Delta) => merge(x, y, MAX_LOG_LINES);
      expect(join(join(a, b), c)).toEqual(join(a, join(b, c)));
    }),
  );
});

test("a delta that came twice, or late, changes nothing", () => {
  fc.assert(
    fc.property(
      history,
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
      (changes, late) => {
        const { ledger, at } = play(changes);
        let reader = join(undefined, readLedger(ledger));
        for (const [version, after] of late) {
          const old = at[1 + (version % Math.max(1, ledger.version))];
          const delta = old?.[after % old.length];
          if (delta !== undefined && !delta.reset) reader = join(reader, delta);
        }
        expect(reader).toEqual(readLedger(ledger));
      },
    ),
  );
});

test("a copy that was kept by deltas answers every cursor with at least what the original does, and the same end state", () => {
  fc.assert(
    fc.property(
      history,
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      fc.nat(),
      (changes, reads, cursor) => {
        const original = emptyLedger("e");
        let copy: Ledger | undefined;
        for (const [index, one] of changes.entries()) {
          writeLedger(original, one, MAX_LOG_LINES);
          if (!reads[index]) continue;
          if (copy === undefined) copy = ledgerOf(readLedger(original));
          else absorb(copy, readLedger(original, printCursor(copy)), MAX_LOG_LINES);
        }
        if (copy === undefined) return;
        absorb(copy, readLedger(original, printCursor(copy)), MAX_LOG_LINES);
        const after = printCursor({
          epoch: "e",
          version: cursor % (original.version + 1),
        });
        const [exact, kept] = [readLedger(original, after), readLedger(copy, after)];
        expect(kept.cursor).toBe(exact.cursor);
        expect(kept.log).toEqual(exact.log);
        expect(kept.set).toMatchObject(exact.set);
        expect(readLedger(copy)).toEqual(readLedger(original));
      },
    ),
  );
});

test("changes that were coalesced leave the state that they leave one by one", () => {
  fc.assert(
    fc.property(history, (changes) => {
      const [singly, merged] = [emptyLedger("e"), emptyLedger("e")];
      for (const one of changes) writeLedger(singly, one, MAX_LOG_LINES);
      writeLedger(merged, changes.reduce(mergeChanges), MAX_LOG_LINES);
      expect(readLedger(merged).set).toEqual(readLedger(singly).set);
      const texts = (ledger: Ledger) => ledger.log.map(({ n, text }) => [n, text]);
      expect(texts(merged)).toEqual(texts(singly));
    }),
  );
});

test("every delta comes through the wire as it went in, by the event that its content says", () => {
  fc.assert(
    fc.property(history, fc.nat(), (changes, cursor) => {
      const { ledger } = play(changes);
      const delta = readLedger(
        ledger,
        printCursor({ epoch: "e", version: cursor % (ledger.version + 1) }),
      );
      const wire = toWire(delta);
      expect(fromWire(JSON.parse(JSON.stringify(wire)))).toEqual(delta);
      expect(wire.done === true).toBe(isEnd(delta));
      expect(eventOf(delta) === "end").toBe(isEnd(delta));
    }),
  );
});

test("the state does not depend on which deltas brought the fields, and no input makes it throw", () => {
  fc.assert(
    fc.property(history, fc.nat(), (changes, now) => {
      const { ledger } = play(changes);
      const whole = readLedger(ledger);
      const reversed = Object.fromEntries(Object.entries(whole.set).reverse());
      expect(stateOf("j", reversed, now)).toEqual(stateOf("j", whole.set, now));
    }),
  );
});

test("the percent never falls while steps only go forward, and is 100 only at the end", () => {
  const stepIds = ["a", "b", "c"];
  const move = fc.record({
    step: fc.constantFrom(...stepIds),
    by: fc.double({ min: 0, max: 60, noNaN: true }),
    finish: fc.boolean(),
  });
  const weights = fc.array(fc.double({ min: 0.01, max: 50, noNaN: true }), {
    minLength: 3,
    maxLength: 3,
  });
  fc.assert(
    fc.property(weights, fc.array(move, { maxLength: 30 }), (weight, moves) => {
      const ledger = emptyLedger("e");
      const plan = stepIds.map((id, index) => ({
        id,
        title: id,
        weight: weight[index] ?? 1,
      }));
      writeLedger(ledger, { set: { status: "running", plan }, log: [] });
      const percents = new Map<string, number>();
      let shown = 0;
      for (const { step, by, finish } of moves) {
        const percent = finish ? 100 : Math.min(100, (percents.get(step) ?? 0) + by);
        percents.set(step, percent);
        const status = percent === 100 ? "completed" : "running";
        writeLedger(ledger, {
          set: { [`steps.${step}`]: { status, percent } },
          log: [],
        });
        const next = stateOf("j", readLedger(ledger).set, 0).percent ?? -1;
        expect(next).toBeGreaterThanOrEqual(shown);
        expect(next).toBeLessThan(100);
        shown = next;
      }
      writeLedger(ledger, { set: { status: "completed" }, log: [] });
      expect(stateOf("j", readLedger(ledger).set, 0).percent).toBe(100);
      expect(hasEnded(ledger)).toBe(true);
    }),
  );
});
