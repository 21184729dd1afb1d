import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { percentOfUnits, raisePercent } from "../../src/core/percent.js";

describe("raisePercent", () => {
  test.each([
    [null, null, null],
    [undefined, undefined, null],
    [null, 0, 0],
    [null, 33.379, 33.3],
    [40, 20, 40],
    [40, 40.06, 40],
    [40, null, 40],
    [40, undefined, 40],
    [null, -5, 0],
    [90, 250, 100],
    [null, 57.3, 57.3],
  ])("given %s, then %s, returns %s", (before, next, expected) => {
    expect(raisePercent(before, next)).toBe(expected);
  });

  test("given any sequence of numbers, never falls and stays between 0 and 100", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ noNaN: true }))), (reported) => {
        let last: number | null = null;
        for (const next of reported) {
          const raised = raisePercent(last, next);
          expect(raised ?? 0).toBeGreaterThanOrEqual(last ?? 0);
          expect(raised ?? 0).toBeLessThanOrEqual(100);
          last = raised;
        }
      }),
    );
  });
});

describe("percentOfUnits", () => {
  test.each([
    [1, 4, 25],
    [0, 0, undefined],
    [5, undefined, undefined],
    [undefined, 5, undefined],
  ])("given %s of %s units, returns %s", (done, total, expected) => {
    expect(percentOfUnits(done, total)).toBe(expected);
  });
});
