import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type History, recordedCases, SITUATIONS } from "./recorded-cases.js";
import { meanError, PARTS } from "./replay.js";
import {
  DIFFERENT,
  documentTables,
  recordedAccuracy,
  SIMILAR,
  syntheticAccuracy,
  withTables,
} from "./tables.js";

const FOLDER = new URL("recordings/", import.meta.url);

/** The mean error of recorded videos after so many earlier ones. Each situation counts alike. */
function recordedError(runs: number, history: History): number {
  const cases = recordedCases(FOLDER, history);
  const errors = SITUATIONS.map(({ names }) => meanError(recordedAccuracy(cases, names, runs)));
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

describe("the ETA of recorded videos of all lengths, whose size is known", () => {
  const cases = recordedCases(FOLDER, "sized");

  test.each([1, 5, 50])("given %i earlier videos, is at most half as wrong as without", (runs) => {
    expect(recordedError(runs, "sized")).toBeLessThanOrEqual(recordedError(0, "sized") / 2);
  });

  test.each(SITUATIONS)(
    "$title: given five earlier videos, is less wrong than without",
    ({ names }) => {
      expect(cases.some(({ name }) => names.test(name))).toBe(true);
      const error = meanError(recordedAccuracy(cases, names, 5));
      expect(error).toBeLessThan(meanError(recordedAccuracy(cases, names, 0)));
    },
  );

  test.each(["short", "long"])(
    "a %s video: given five earlier ones, is at most a quarter as wrong as without",
    (length) => {
      const [before = 1, after = 1] = [0, 5].map((runs) =>
        meanError(recordedAccuracy(cases, new RegExp(`^${length}`), runs)),
      );
      expect(after).toBeLessThanOrEqual(before / 4);
    },
  );

  test("on a slow machine, is wrong by less than a sixth of the time from a quarter of it on", () => {
    for (const runs of [5, 50]) {
      const accuracy = recordedAccuracy(cases, /^(slow-machine|busy)/, runs);
      for (const [index, part] of PARTS.entries())
        if (part >= 0.25) expect(accuracy[index]?.error, `${part}`).toBeLessThan(1 / 6);
    }
  });
});

test.each([5, 50])(
  "given %i earlier videos of about the same length, is at most half as wrong as without",
  (runs) => {
    expect(recordedError(runs, "alike")).toBeLessThanOrEqual(recordedError(0, "alike") / 2);
  },
);

describe("the ETA of made-up jobs", () => {
  const errorAfter = (runs: number, sizes: Parameters<typeof syntheticAccuracy>[1]): number =>
    meanError(syntheticAccuracy(runs, sizes));

  test.each([5, 50])("given %i earlier jobs, is at most half as wrong as without", (runs) => {
    expect(errorAfter(runs, SIMILAR)).toBeLessThanOrEqual(errorAfter(0, SIMILAR) / 2);
  });

  test.each([5, 50])(
    "given %i earlier jobs of different sizes, is at most half as wrong as without, and as without sizes",
    (runs) => {
      const error = errorAfter(runs, { ...DIFFERENT, hasSize: true });
      expect(error).toBeLessThanOrEqual(errorAfter(0, { ...DIFFERENT, hasSize: true }) / 2);
      expect(error).toBeLessThanOrEqual(errorAfter(runs, { ...DIFFERENT, hasSize: false }) / 2);
    },
  );

  test("given earlier jobs, there is an ETA nearly always", () => {
    for (const { nulls } of syntheticAccuracy(5, SIMILAR)) expect(nulls).toBeLessThan(0.05);
  });
});

test("docs/eta.md has the tables of this replay", () => {
  const text = readFileSync(new URL("../../docs/eta.md", import.meta.url), "utf8");
  // `node bench/run.mjs eta --update` writes them.
  expect(text).toBe(withTables(text, "## How good it is", documentTables(FOLDER)));
});
