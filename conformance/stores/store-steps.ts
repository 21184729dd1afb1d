import type { Change, Fields, NewLogLine } from "@emlinh/progress-server";
import fc from "fast-check";

/** The unit of time of the property. No run takes a noticeable part of it. */
export const UNIT_MS = 600_000;

/** The hold of a write. The driver makes it, because counts and cursors depend on the steps before. */
export interface StepHold {
  readonly token: string;
  /** Added to the newest count of the token. `0` and less for a write that was made before. */
  readonly ahead: number;
  /** How it opens the job, unless its token holds it already. */
  readonly opens:
    | { readonly seen: "now" | "opening" | "before" | "other"; readonly takeOver: boolean }
    | undefined;
}

/** One call of a store, by one of its instances. */
export type Step = { readonly by: number } & (
  | {
      readonly do: "create";
      readonly id: string;
      readonly key: string | undefined;
      readonly subjects: readonly string[];
      readonly deadlineMs: number | undefined;
    }
  | {
      readonly do: "write";
      readonly id: string;
      readonly change: Change;
      readonly hold: StepHold | undefined;
    }
  | { readonly do: "burst"; readonly id: string; readonly changes: readonly Change[] }
  /**
   * `from` is the version of the reader's cursor as a fraction of the job's versions, or a cursor that gets a reset.
   */
  | {
      readonly do: "read";
      readonly id: string;
      readonly from: number | "nothing" | "malformed" | "future" | "other";
    }
  /** Reads the next page of a list, or the first one. */
  | { readonly do: "list"; readonly subject: string; readonly limit: number }
  | { readonly do: "remove"; readonly id: string }
  /** Advances the clock by `halves` of a unit. */
  | { readonly do: "wait"; readonly halves: number }
  /** `halves` of a unit from now; `undefined` for the store's own time. `isTwice` for two concurrent sweeps. */
  | { readonly do: "sweep"; readonly halves: number | undefined; readonly isTwice: boolean }
);

/** The jobs of the property. */
export const IDS: readonly string[] = ["a", "b", "c"];

/** The subjects of the property. */
export const SUBJECTS: readonly string[] = ["s", "t"];

// Mostly one job, so that it gets many steps.
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

const step = fc.record(
  {
    status: fc.constantFrom("running", "running", "pending", "completed", "failed"),
    percent: fc.nat(100),
    extra: fc.constant({ status: "running" }),
  },
  { requiredKeys: ["status"], noNullPrototype: true },
);

const fields: fc.Arbitrary<Fields> = fc.record(
  {
    status: fc.constant("running"),
    message: fc.string({ maxLength: 5 }),
    percent: fc.nat(100),
    "metadata.m": value,
    "steps.s": step,
    "steps.t": fc.oneof(step, value),
    cancelRequested: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<Fields>;

const report: fc.Arbitrary<Change> = fc
  .record(
    { set: fields, log: fc.array(line, { maxLength: 6 }), lostLines: fc.constantFrom(0, 0, 1, 5) },
    { noNullPrototype: true },
  )
  // The suite has a case for a change of nothing.
  .map(({ set, log, lostLines }) =>
    Object.keys(set).length + log.length > 0
      ? { set, log, lostLines: log.length > 0 ? lostLines : 0 }
      : { set: { message: null }, log },
  );

const leaseMs = fc.constantFrom(0, UNIT_MS, 2 * UNIT_MS);

const renewal: fc.Arbitrary<Change> = leaseMs.map((ms) => ({ set: {}, log: [], leaseMs: ms }));

const leased: fc.Arbitrary<Change> = fc
  .tuple(report, leaseMs)
  .map(([change, ms]) => ({ ...change, leaseMs: ms }));

const next: fc.Arbitrary<Change> = fc
  .tuple(fc.integer({ min: 2, max: 4 }), fc.option(leaseMs, { nil: undefined }))
  .map(([attempt, ms]) => ({ set: { attempt, percent: null }, log: [], leaseMs: ms }));

const end: fc.Arbitrary<Change> = fc
  .tuple(
    fields,
    fc.constantFrom("completed", "failed", "cancelled"),
    fc.array(line, { maxLength: 1 }),
  )
  // The store sets finishedAt itself.
  .map(([set, status, log]) => ({
    set: { ...set, status, result: null, finishedAt: 5 },
    log,
    lostLines: 2 * log.length,
  }));

const change = fc.oneof(
  { weight: 4, arbitrary: report },
  { weight: 3, arbitrary: leased },
  { weight: 3, arbitrary: renewal },
  { weight: 2, arbitrary: next },
  { weight: 1, arbitrary: end },
);

const createStep = fc.record({
  do: fc.constant("create" as const),
  by,
  id,
  key: fc.constantFrom(undefined, "k", "l"),
  subjects: fc.subarray([...SUBJECTS]),
  deadlineMs: fc.option(
    fc.integer({ min: 1, max: 4 }).map((units) => units * UNIT_MS),
    {
      nil: undefined,
      freq: 2,
    },
  ),
});

const hold: fc.Arbitrary<StepHold> = fc.record({
  token: fc.constantFrom("v", "v", "w"),
  ahead: fc.constantFrom(1, 1, 1, 1, 2, 0, -1),
  opens: fc.option(
    fc.record({
      seen: fc.constantFrom("now", "now", "opening", "before", "other"),
      takeOver: fc.boolean(),
    }),
    { nil: undefined, freq: 3 },
  ),
});

const writeStep = fc.record({
  do: fc.constant("write" as const),
  by,
  id,
  change,
  hold: fc.option(hold, { nil: undefined, freq: 2 }),
});

const burstStep = fc.record({
  do: fc.constant("burst" as const),
  by,
  id,
  changes: fc.array(fc.oneof({ weight: 20, arbitrary: report }, { weight: 1, arbitrary: end }), {
    minLength: 2,
    maxLength: 6,
  }),
});

const readStep = fc.record({
  do: fc.constant("read" as const),
  by,
  id,
  from: fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom("nothing" as const, "malformed" as const, "future" as const, "other" as const),
  ),
});

const listStep = fc.record({
  do: fc.constant("list" as const),
  by,
  subject: fc.constantFrom(...SUBJECTS),
  limit: fc.constantFrom(1, 1, 2, 3),
});

const removeStep = fc.record({ do: fc.constant("remove" as const), by, id });

const waitStep = fc.record({
  do: fc.constant("wait" as const),
  by,
  halves: fc.integer({ min: 1, max: 5 }),
});

/** Sequences of steps. A store with its backend's clock can't be made to wait; its sweeps get later times instead. */
export function stepsOf(clock: "injected" | "backend"): fc.Arbitrary<readonly Step[]> {
  const sweepStep = fc.record({
    do: fc.constant("sweep" as const),
    by,
    isTwice: fc.boolean(),
    halves: fc.option(fc.nat(clock === "injected" ? 3 : 14), { nil: undefined, freq: 3 }),
  });
  const any: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: createStep },
    { weight: 8, arbitrary: writeStep },
    { weight: 2, arbitrary: burstStep },
    { weight: 4, arbitrary: readStep },
    { weight: 2, arbitrary: listStep },
    { weight: 1, arbitrary: removeStep },
    { weight: clock === "injected" ? 3 : 0, arbitrary: waitStep },
    { weight: 3, arbitrary: sweepStep },
  );
  return fc.array(any, { minLength: 1, maxLength: 40, size: "max" });
}
