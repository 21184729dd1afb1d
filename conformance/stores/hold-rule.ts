import {
  type Change,
  checkWrite,
  type Hold,
  holdAfter,
  isProgressError,
  type ProgressStore,
  type WriteState,
} from "@emlinh/progress-server";
import fc from "fast-check";
import { expect } from "vitest";

/** The epoch and the version of the job before each write. */
export const EPOCH = "0123456789abcdef01234567";
export const VERSION = 3;

const small = fc.integer({ min: 1, max: 4 });
const token = fc.constantFrom("a", "b");

const state: fc.Arbitrary<WriteState> = fc.record({
  id: fc.constant("job"),
  epoch: fc.constant(EPOCH),
  ended: fc.constantFrom(undefined, undefined, undefined, "completed"),
  attempt: fc.integer({ min: 1, max: 3 }),
  hold: fc.option(fc.record({ token, count: small, since: fc.integer({ min: 1, max: VERSION }) }), {
    nil: undefined,
  }),
  isLeased: fc.boolean(),
});

const seen = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((version) => `${EPOCH}.${version}`),
  fc.constantFrom("other.2", "malformed"),
);

const change: fc.Arbitrary<Change> = fc.record({
  set: fc.record(
    {
      attempt: small,
      percent: fc.constant(1),
      "steps.s": fc.constant({ status: "running" }),
      message: fc.constant("text"),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
  log: fc.constant([]),
  hold: fc.option(
    fc.record({
      token,
      count: small,
      opens: fc.option(fc.record({ seen, takeOver: fc.boolean() }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
});

/** The hold and the version that a store keeps of a job. */
export interface KeptHold {
  readonly hold: Hold | undefined;
  readonly version: number;
}

/** A store with a job of the id "job", whose stored form the test knows. */
export interface HoldStore {
  readonly store: ProgressStore;
  /** Brings the job into a state, at the version {@link VERSION}. */
  put(state: WriteState): Promise<void>;
  kept(): Promise<KeptHold>;
}

/** Checks that the store accepts, repeats and refuses random writes as the rule `checkWrite` does. */
export async function checkHoldRule({ store, put, kept }: HoldStore): Promise<void> {
  const outcomes = new Set<string>();
  for (const [job, write] of fc.sample(fc.tuple(state, change), { numRuns: 1_500, seed: 12 })) {
    await put(job);
    const expected = outcomeOf(() => checkWrite(job, write));
    const actual = await store.write("job", write).then(
      () => "accepted",
      (error: unknown) => codeOf(error),
    );
    const isRepeated = expected === "repeated";
    const what = JSON.stringify({ job, write });
    expect(actual, what).toBe(isRepeated ? "accepted" : expected);
    outcomes.add(expected);
    const isAccepted = expected === "accepted";
    const raises = isAccepted && Object.keys(write.set).length > 0;
    const version = VERSION + (raises ? 1 : 0);
    const hold = isAccepted ? holdAfter(job.hold, write.hold, version) : job.hold;
    expect(await kept(), what).toEqual({ hold, version });
  }
  expect([...outcomes].sort()).toEqual([
    "accepted",
    "attempt-superseded",
    "hold-lost",
    "job-finished",
    "job-held",
    "repeated",
  ]);
}

function outcomeOf(check: () => string): string {
  try {
    return check();
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  if (!isProgressError(error)) throw error;
  return error.code;
}
