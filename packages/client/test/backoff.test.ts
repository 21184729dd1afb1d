import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffDelayMs, delayAt } from "../src/machine/backoff.js";

const DELAYS = [1000, 2000, 4000, 8000, 16_000, 30_000];
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const floor = fc.nat({ max: 120_000 });
const attempt = fc.integer({ min: 1, max: 50 });

describe("backoff", () => {
  test.each([
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [4, 8000],
    [5, 16_000],
    [6, 30_000],
    [7, 30_000],
    [1000, 30_000],
  ])("given attempt %i and no jitter, waits %i ms", (attempt, delayMs) => {
    expect(backoffDelayMs(attempt, DELAYS, 0, 0)).toBe(delayMs);
  });

  test("given a floor, never waits less, whatever the random number is", () => {
    fc.assert(
      fc.property(attempt, floor, random, (attempt, floorMs, random) => {
        expect(backoffDelayMs(attempt, DELAYS, floorMs, random)).toBeGreaterThanOrEqual(floorMs);
      }),
    );
  });

  test("given no floor, jitter only shortens the delay, by up to a half", () => {
    fc.assert(
      fc.property(attempt, random, (attempt, random) => {
        const most = delayAt(DELAYS, attempt - 1);
        const delayMs = backoffDelayMs(attempt, DELAYS, 0, random);
        expect(delayMs).toBeLessThanOrEqual(most);
        expect(delayMs).toBeGreaterThanOrEqual(most / 2);
      }),
    );
  });

  test("given a floor above the table, spreads the clients that were sent away together", () => {
    const waits = new Set(
      [0, 0.25, 0.5, 0.75].map((random) => backoffDelayMs(1, DELAYS, 60_000, random)),
    );
    expect(waits).toEqual(new Set([60_000, 60_125, 60_250, 60_375]));
  });

  test("given an empty list, the delay is infinite", () => {
    expect(delayAt([], 0)).toBe(Number.POSITIVE_INFINITY);
  });
});
