import { type Fields, type HoldWrite, isProgressError } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { checkWrite, type Hold, holdAfter, type WriteState } from "../../src/shared/lifecycle.js";

/** A job at version 9, which the worker "v" opened at version 5. */
const HELD: WriteState = {
  id: "a",
  epoch: "e",
  ended: undefined,
  attempt: 2,
  hold: { token: "v", count: 4, since: 5 },
  isLeased: true,
};
const FREE: WriteState = { ...HELD, isLeased: false };
const NEW: WriteState = { ...HELD, hold: undefined, isLeased: false };
const ENDED: WriteState = { ...FREE, ended: "completed" };

const own = (count: number): HoldWrite => ({ token: "v", count });
const opens = (seen: string, takeOver = false): HoldWrite => ({
  token: "w",
  count: 1,
  opens: { seen, takeOver },
});

const CASES: readonly [string, WriteState, Fields, HoldWrite | undefined, string][] = [
  ["the next count", HELD, { percent: 1 }, own(5), "accepted"],
  ["a count that skips others", HELD, { percent: 1 }, own(50), "accepted"],
  ["the newest count", HELD, { percent: 1 }, own(4), "repeated"],
  ["an earlier count", HELD, { percent: 1 }, own(1), "repeated"],
  ["an earlier count after the end", ENDED, { status: "failed" }, own(4), "repeated"],
  ["an earlier count of an earlier attempt", HELD, { attempt: 2 }, own(4), "repeated"],
  ["the next count after the end", ENDED, {}, own(5), "job-finished"],
  ["the next count after the lease ran out", FREE, { percent: 1 }, own(5), "accepted"],
  ["another token", HELD, {}, { token: "w", count: 1 }, "hold-lost"],
  ["another token after the lease ran out", FREE, {}, { token: "w", count: 9 }, "hold-lost"],
  ["another token after the end", ENDED, {}, { token: "w", count: 9 }, "job-finished"],
  ["a token of a job that nobody opened", NEW, {}, own(1), "hold-lost"],
  ["an opening of a new job", NEW, {}, opens("e.1"), "accepted"],
  ["an opening of a new job at a malformed cursor", NEW, {}, opens(""), "job-held"],
  ["an opening of a new job by a reader of another epoch", NEW, {}, opens("f.1"), "job-held"],
  ["an opening of a leased job", HELD, {}, opens("e.9"), "job-held"],
  ["a takeover of a leased job", HELD, {}, opens("e.9", true), "accepted"],
  ["a takeover by a reader of the opening", HELD, {}, opens("e.5", true), "accepted"],
  ["a takeover by an earlier reader", HELD, {}, opens("e.4", true), "job-held"],
  ["a takeover by a reader of another epoch", HELD, {}, opens("f.9", true), "job-held"],
  ["a takeover at a malformed cursor", HELD, {}, opens("e.09", true), "job-held"],
  ["an opening for the next attempt", HELD, { attempt: 3 }, opens("e.9"), "accepted"],
  ["an opening for the same attempt", HELD, { attempt: 2 }, opens("e.9"), "attempt-superseded"],
  [
    "an opening for the next attempt by an earlier reader",
    HELD,
    { attempt: 3 },
    opens("e.4"),
    "job-held",
  ],
  ["an opening of a job without a lease", FREE, {}, opens("e.9"), "accepted"],
  ["an opening of a job without a lease by an earlier reader", FREE, {}, opens("e.4"), "job-held"],
  ["an opening of a job that has ended", ENDED, {}, opens("e.9", true), "job-finished"],
  ["percent without a hold", HELD, { percent: 1 }, undefined, "job-held"],
  ["a step without a hold", HELD, { "steps.s": null }, undefined, "job-held"],
  ["another field without a hold", HELD, { message: "one", step: "s" }, undefined, "accepted"],
  ["the next attempt without a hold", HELD, { attempt: 3 }, undefined, "accepted"],
  ["the attempt again without a hold", HELD, { attempt: 2 }, undefined, "attempt-superseded"],
  ["percent without a hold and a lease", FREE, { percent: 1 }, undefined, "accepted"],
  ["percent without a hold after the end", ENDED, { percent: 1 }, undefined, "job-finished"],
];

function answer(job: WriteState, set: Fields, hold: HoldWrite | undefined): string {
  try {
    return checkWrite(job, { set, hold });
  } catch (error) {
    return isProgressError(error) ? error.code : String(error);
  }
}

describe("checkWrite", () => {
  test.each(CASES)("given %s, answers as the rules do", (_name, job, set, hold, expected) => {
    expect(answer(job, set, hold)).toBe(expected);
  });
});

describe("holdAfter", () => {
  const current: Hold = { token: "v", count: 4, since: 5 };

  test.each<[string, Hold | undefined, HoldWrite | undefined, Hold | undefined]>([
    ["no hold", undefined, undefined, undefined],
    ["a write without a hold", current, undefined, current],
    ["a write of the hold", current, own(7), { token: "v", count: 7, since: 5 }],
    ["an opening", current, opens("e.9"), { token: "w", count: 1, since: 10 }],
    ["the first opening", undefined, opens("e.9"), { token: "w", count: 1, since: 10 }],
  ])("given %s, returns the hold that is kept", (_name, before, hold, expected) => {
    expect(holdAfter(before, hold, 10)).toEqual(expected);
  });
});
