import { expect, test } from "vitest";
import { after, backoffDelayMs, every } from "../../src/shared/time.js";

test("given more failures, backoffDelayMs doubles up to maxMs, and jitter only shortens it", () => {
  const at = (failures: number, random: number) =>
    backoffDelayMs(failures, { maxMs: 5_000 }, () => random);
  expect([1, 2, 3, 4, 5, 6, 60].map((failures) => at(failures, 1))).toEqual([
    200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ]);
  expect(at(3, 0)).toBe(400);
});

test.each([after, every])(
  "given %o, returns a timer that does not keep the process alive",
  (start) => {
    const timer = start(60_000, () => {});
    expect(timer.hasRef()).toBe(false);
    clearTimeout(timer);
  },
);
