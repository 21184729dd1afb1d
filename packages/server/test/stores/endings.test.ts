import { expect, test } from "vitest";
import { dueAt, fateOf, fieldsOfFate, type JobTimes } from "../../src/shared/lifecycle.js";

const TTLS = { ttlMs: 1000, idleTtlMs: 5000 };
const WAITING: JobTimes = {
  stale: false,
  leaseUntil: undefined,
  leaseMs: 0,
  deadlineAt: undefined,
  writtenAt: 0,
  endedAt: undefined,
};
const LEASED: JobTimes = { ...WAITING, leaseUntil: 100, leaseMs: 100 };

const CASES: readonly [string, JobTimes, number, number, ReturnType<typeof fateOf>][] = [
  ["waits", WAITING, 5000, 4999, undefined],
  ["waits too long", WAITING, 5000, 5000, "expired"],
  ["is leased", LEASED, 100, 99, undefined],
  ["is stale", LEASED, 100, 100, "stale"],
  ["is marked stale", { ...LEASED, stale: true }, 200, 199, undefined],
  ["is lost", { ...LEASED, stale: true }, 200, 200, "lost"],
  ["is lost before anybody marked it", LEASED, 100, 200, "lost"],
  ["is leased and old", LEASED, 100, 10_000, "lost"],
  ["has a deadline", { ...LEASED, deadlineAt: 50 }, 50, 49, undefined],
  ["passes its deadline", { ...LEASED, deadlineAt: 50 }, 50, 50, "timed-out"],
  ["passes its deadline and loses its worker", { ...LEASED, deadlineAt: 50 }, 50, 500, "timed-out"],
  ["has ended", { ...LEASED, deadlineAt: 50, endedAt: 10 }, 1010, 1009, undefined],
  ["has ended long ago", { ...LEASED, deadlineAt: 50, endedAt: 10 }, 1010, 1010, "expired"],
];

test.each(CASES)(
  "given a job that %s, is due at the right time and does the right thing",
  (_name, times, due, now, fate) => {
    expect(dueAt(times, TTLS)).toBe(due);
    expect(fateOf(times, TTLS, now)).toBe(fate);
  },
);

test("given an end of a sweep's, tells people no more than they may know", () => {
  expect(fieldsOfFate("stale", 7)).toEqual({ stale: true });
  expect(fieldsOfFate("lost", 7)).toEqual({
    status: "lost",
    finishedAt: 7,
    stale: false,
    error: { code: "job-lost", message: "The worker stopped reporting." },
  });
  expect(fieldsOfFate("timed-out", 7)).toMatchObject({
    status: "timed-out",
    finishedAt: 7,
    error: { code: "job-timed-out" },
  });
});
