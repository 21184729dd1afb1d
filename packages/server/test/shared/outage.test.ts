import { expect, test } from "vitest";
import { createOutage } from "../../src/shared/outage.js";
import { elapsed } from "../../src/shared/time.js";
import { advance, useFakeTime } from "../core/context.js";

useFakeTime();

/** The wait until the next try, in milliseconds. */
const waitMs = (outage: { retryAt(): number }): number => outage.retryAt() - elapsed();

test("given no failure, is off and a try is due", async () => {
  await advance(1_000);
  const outage = createOutage(5_000, () => 1);
  expect(outage.isOn()).toBe(false);
  expect(outage.retryAt()).toBeLessThan(elapsed());
  expect(outage.durationMs(elapsed())).toBe(0);
});

test("given failures in a row, reports only the first as the first", () => {
  const outage = createOutage(5_000, () => 1);
  expect([outage.failed(), outage.failed(), outage.failed()]).toEqual([true, false, false]);
  expect(outage.isOn()).toBe(true);
});

test("given failures in a row, doubles the wait up to the longest one", () => {
  const outage = createOutage(1_000, () => 1);
  const waits = [1, 2, 3, 4, 5].map(() => {
    outage.failed();
    return waitMs(outage);
  });
  expect(waits).toEqual([200, 400, 800, 1_000, 1_000]);
});

test("given the lowest random number, halves the wait", () => {
  const outage = createOutage(5_000, () => 0);
  outage.failed();
  expect(waitMs(outage)).toBe(100);
});

test("given time, counts the wait from the last failure and the duration from the first", async () => {
  const outage = createOutage(5_000, () => 1);
  outage.failed();
  await advance(150);
  expect(waitMs(outage)).toBe(50);
  outage.failed();
  expect(waitMs(outage)).toBe(400);
  await advance(1_000);
  expect(outage.durationMs(elapsed())).toBe(1_150);
});

test("given a success, is off; the next failure is a first one again", async () => {
  const outage = createOutage(5_000, () => 1);
  await advance(1_000);
  outage.failed();
  outage.failed();
  outage.ended();
  expect(outage.isOn()).toBe(false);
  expect(outage.durationMs(elapsed())).toBe(0);
  expect(outage.retryAt()).toBeLessThan(elapsed());
  expect(outage.failed()).toBe(true);
  expect(waitMs(outage)).toBe(200);
  expect(outage.durationMs(elapsed())).toBe(0);
});
