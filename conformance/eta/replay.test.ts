import { describe, expect, test } from "vitest";
import { randomFrom } from "../processes/random.js";
import { recordedCases, SITUATIONS } from "./recorded-cases.js";
import { accuracyOf, type Case, meanError } from "./replay.js";
import { syntheticCases } from "./synthetic-cases.js";

const FOLDER = new URL("recordings/", import.meta.url);

/** The mean error after so many runs, as a share of the duration. */
function errorAfter(runs: number, cases: readonly Case[], rounds: number): number {
  return meanError(accuracyOf(cases, { runs, rounds, random: randomFrom(1).next }));
}

describe("the ETA of recorded videos", () => {
  const cases = recordedCases(FOLDER, "alike");

  /** Each situation counts alike, however many recordings it has. */
  function errorOfAll(runs: number): number {
    const errors = SITUATIONS.map(({ names }) =>
      errorAfter(
        runs,
        cases.filter(({ name }) => names.test(name)),
        40,
      ),
    );
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  }

  test.each([5, 50])("given %i earlier videos, is at most half as wrong as without", (runs) => {
    expect(errorOfAll(runs)).toBeLessThanOrEqual(errorOfAll(0) / 2);
  });

  test("given one earlier video, is at most two thirds as wrong as without", () => {
    expect(errorOfAll(1)).toBeLessThanOrEqual((errorOfAll(0) * 2) / 3);
  });

  test.each(SITUATIONS)(
    "$title: given five earlier videos, is less wrong than without",
    ({ names }) => {
      const some = cases.filter(({ name }) => names.test(name));
      expect(some.length).toBeGreaterThan(0);
      expect(errorAfter(5, some, 40)).toBeLessThan(errorAfter(0, some, 1));
    },
  );
});

describe("the ETA of made-up jobs", () => {
  const cases = syntheticCases(randomFrom(1).next, 10, 40);

  test.each([5, 50])("given %i earlier jobs, is at most half as wrong as without", (runs) => {
    expect(errorAfter(runs, cases, 1)).toBeLessThanOrEqual(errorAfter(0, cases, 1) / 2);
  });

  test("given earlier jobs, there is an ETA nearly always", () => {
    const after = accuracyOf(cases, { runs: 5, rounds: 1, random: randomFrom(1).next });
    for (const { nulls } of after) expect(nulls).toBeLessThan(0.05);
  });
});
