import { expect, test } from "vitest";
import {
  closedSteps,
  dueAt,
  fieldsOfTransition,
  type JobTimes,
  timesOfTransition,
  transitionOf,
} from "../../src/shared/lifecycle.js";

const TTLS = { ttlMs: 1000, idleTtlMs: 5000 };
const QUEUED: JobTimes = {
  stale: false,
  leaseUntil: undefined,
  leaseMs: 0,
  deadlineAt: undefined,
  writtenAt: 0,
  endedAt: undefined,
};
const LEASED: JobTimes = { ...QUEUED, leaseUntil: 100, leaseMs: 100 };

const CASES: readonly [string, JobTimes, number, number, ReturnType<typeof transitionOf>][] = [
  ["is queued", QUEUED, 5000, 4999, undefined],
  ["was queued for too long", QUEUED, 5000, 5000, "expired"],
  ["is leased", LEASED, 100, 99, undefined],
  ["has a lease that ran out", LEASED, 100, 100, "stale"],
  ["is marked stale", { ...LEASED, stale: true }, 200, 199, undefined],
  ["was marked stale late", { ...LEASED, leaseUntil: 9_000, stale: true }, 9_100, 9_099, undefined],
  ["was stale for a whole lease", { ...LEASED, stale: true }, 200, 200, "lost"],
  ["has a lease that ran out a whole lease ago, unmarked", LEASED, 100, 200, "stale"],
  ["is leased and old", LEASED, 100, 10_000, "stale"],
  ["has a deadline", { ...LEASED, deadlineAt: 50 }, 50, 49, undefined],
  ["has passed its deadline", { ...LEASED, deadlineAt: 50 }, 50, 50, "timed-out"],
  [
    "is both lost and past its deadline",
    { ...LEASED, stale: true, deadlineAt: 50 },
    50,
    500,
    "timed-out",
  ],
  ["has ended", { ...LEASED, deadlineAt: 50, endedAt: 10 }, 1010, 1009, undefined],
  ["ended ttlMs ago", { ...LEASED, deadlineAt: 50, endedAt: 10 }, 1010, 1010, "expired"],
];

test.each(CASES)(
  "given a job that %s, returns the transition and when the next one is due",
  (_name, times, due, now, transition) => {
    expect(dueAt(times, TTLS)).toBe(due);
    expect(transitionOf(times, TTLS, now)).toBe(transition);
  },
);

test("given a transition, sets the times from which the next one is counted", () => {
  expect(timesOfTransition("stale", 7)).toEqual({ stale: true, leaseUntil: 7 });
  for (const end of ["lost", "timed-out"] as const)
    expect(timesOfTransition(end, 7)).toEqual({ stale: false, leaseUntil: undefined, endedAt: 7 });
});

test("given a transition, sets its fields and a message that is safe to show", () => {
  expect(fieldsOfTransition("stale", 7)).toEqual({ stale: true });
  expect(fieldsOfTransition("lost", 7)).toEqual({
    status: "lost",
    finishedAt: 7,
    stale: false,
    error: { code: "job-lost", message: "The worker stopped reporting." },
  });
  expect(fieldsOfTransition("timed-out", 7)).toMatchObject({
    status: "timed-out",
    finishedAt: 7,
    error: { code: "job-timed-out" },
  });
});

test("given fields of a job that has ended, closes the steps that are running", () => {
  const fields = {
    "steps.a": { status: "running", percent: 40 },
    "steps.b": { status: "pending", percent: 0 },
    "steps.c": { status: "completed", percent: 100, finishedAt: 3 },
    "steps.d": null,
    "steps.e": "running",
    "metadata.a": { status: "running" },
  };
  const closed = (status: string) => closedSteps({ ...fields, status }, 7);
  expect(closed("completed")).toEqual({
    "steps.a": { status: "completed", percent: 40, finishedAt: 7 },
  });
  for (const status of ["failed", "cancelled", "lost", "timed-out"])
    expect(closed(status)).toEqual({
      "steps.a": { status: "failed", percent: 40, finishedAt: 7 },
    });
  for (const status of ["queued", "running"]) expect(closed(status)).toEqual({});
});
