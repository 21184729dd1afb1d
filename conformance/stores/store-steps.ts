import type { Change, Fields, NewLogLine } from "@emlinh/progress-server";
import fc from "fast-check";

/** The step of time of the property: so long that no run takes a noticeable part of it. */
export const UNIT_MS = 600_000;

/** One thing done to a store, by one of its instances. */
export type Step = { readonly by: number } & (
  | {
      readonly do: "create";
      readonly id: string;
      readonly key: string | undefined;
      readonly deadlineMs: number | undefined;
    }
  | { readonly do: "write"; readonly id: string; readonly change: Change }
  | { readonly do: "burst"; readonly id: string; readonly changes: readonly Change[] }
  /** `from` tells, as a part of the job's age, where the reader stands; the others don't stand anywhere. */
  | {
      readonly do: "read";
      readonly id: string;
      readonly from: number | "nothing" | "malformed" | "future" | "other";
    }
  | { readonly do: "wait"; readonly halves: number }
  /** At `halves` of a unit from now; `undefined` for the store's own time. `isTwice` for both instances at once. */
  | { readonly do: "sweep"; readonly halves: number | undefined; readonly isTwice: boolean }
);

/** The jobs of the property. */
export const IDS: readonly string[] = ["a", "b", "c"];

// Mostly one job, so that much happens to it.
const id = fc.constantFrom("a", "a", "a", "b", "b", "c");
const by = fc.nat(1);
const value = fc.jsonValue({ maxDepth: 1 });

const line: fc.Arbitrary<NewLogLine> = fc.record(
  {
    at: fc.nat(),
    level: fc.constantFrom("info", "warn", "error"),
    text: fc.string({ maxLength: 5 }),
    data: value,
  },
  { requiredKeys: ["at", "level", "text"], noNullPrototype: true },
) as fc.Arbitrary<NewLogLine>;

const fields: fc.Arbitrary<Fields> = fc.record(
  {
    status: fc.constant("running"),
    message: fc.string({ maxLength: 5 }),
    percent: fc.nat(100),
    "metadata.m": value,
    "steps.s": value,
    cancelRequested: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<Fields>;

const report: fc.Arbitrary<Change> = fc
  .record({ set: fields, log: fc.array(line, { maxLength: 6 }) }, { noNullPrototype: true })
  // A change of nothing has a case of its own in the suite.
  .map(({ set, log }) =>
    Object.keys(set).length + log.length > 0 ? { set, log } : { set: { percent: null }, log },
  );

const leaseMs = fc.constantFrom(0, UNIT_MS, 2 * UNIT_MS);

const renewal: fc.Arbitrary<Change> = leaseMs.map((ms) => ({ set: {}, log: [], leaseMs: ms }));

const leased: fc.Arbitrary<Change> = fc
  .tuple(report, leaseMs)
  .map(([change, ms]) => ({ ...change, leaseMs: ms }));

const attempted: fc.Arbitrary<Change> = fc
  .tuple(fc.oneof(report, leased, renewal), fc.integer({ min: 1, max: 3 }))
  .map(([change, attempt]) => ({ ...change, attempt }));

const next: fc.Arbitrary<Change> = fc
  .integer({ min: 2, max: 4 })
  .map((attempt) => ({ set: { attempt, percent: null }, log: [] }));

const end: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom("completed", "failed", "cancelled"), fc.array(line, { maxLength: 1 }))
  .map(([status, log]) => ({ set: { status, result: null }, log }));

const change = fc.oneof(
  { weight: 4, arbitrary: report },
  { weight: 3, arbitrary: leased },
  { weight: 3, arbitrary: renewal },
  { weight: 2, arbitrary: attempted },
  { weight: 2, arbitrary: next },
  { weight: 1, arbitrary: end },
);

/** Steps for a store. One that goes by its backend's time can't be made to wait; it is told later times instead. */
export function stepsOf(clock: "injected" | "backend"): fc.Arbitrary<readonly Step[]> {
  const create = fc.record({
    do: fc.constant("create" as const),
    by,
    id,
    key: fc.constantFrom(undefined, "k", "l"),
    deadlineMs: fc.option(
      fc.integer({ min: 1, max: 4 }).map((units) => units * UNIT_MS),
      {
        nil: undefined,
        freq: 2,
      },
    ),
  });
  const write = fc.record({ do: fc.constant("write" as const), by, id, change });
  const burst = fc.record({
    do: fc.constant("burst" as const),
    by,
    id,
    changes: fc.array(fc.oneof({ weight: 20, arbitrary: report }, { weight: 1, arbitrary: end }), {
      minLength: 2,
      maxLength: 6,
    }),
  });
  const read = fc.record({
    do: fc.constant("read" as const),
    by,
    id,
    from: fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(
        "nothing" as const,
        "malformed" as const,
        "future" as const,
        "other" as const,
      ),
    ),
  });
  const wait = fc.record({
    do: fc.constant("wait" as const),
    by,
    halves: fc.integer({ min: 1, max: 5 }),
  });
  const sweep = fc.record({
    do: fc.constant("sweep" as const),
    by,
    isTwice: fc.boolean(),
    halves: fc.option(fc.nat(clock === "injected" ? 3 : 14), { nil: undefined, freq: 3 }),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: create },
    { weight: 8, arbitrary: write },
    { weight: 2, arbitrary: burst },
    { weight: 4, arbitrary: read },
    { weight: clock === "injected" ? 3 : 0, arbitrary: wait },
    { weight: 3, arbitrary: sweep },
  );
  return fc.array(step, { minLength: 1, maxLength: 40, size: "max" });
}
