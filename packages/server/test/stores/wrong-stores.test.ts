import { describe, expect, test } from "vitest";
import { ODD_STORES, oddSubject } from "./odd-stores.js";
import { runSuite } from "./run-suite.js";
import { sharedMemory } from "./shared-memory.js";
import { WRONG_BACKENDS } from "./wrong/backends.js";
import { WRONG_CREATES } from "./wrong/creates.js";
import { WRONG_LEASES } from "./wrong/leases.js";
import { WRONG_READS } from "./wrong/reads.js";
import { WRONG_SWEEPS } from "./wrong/sweeps.js";
import { WRONG_VALUES } from "./wrong/values.js";
import { WRONG_WAKES } from "./wrong/wakes.js";
import { WRONG_WATCHES } from "./wrong/watches.js";
import { subjectOf } from "./wrong/wrong-store.js";

const WRONG_STORES = [
  ...WRONG_CREATES,
  ...WRONG_READS,
  ...WRONG_VALUES,
  ...WRONG_WATCHES,
  ...WRONG_WAKES,
  ...WRONG_LEASES,
  ...WRONG_SWEEPS,
  ...WRONG_BACKENDS,
];

/** The suite's tests that noticed one of them. */
const noticed = new Set<string>();

/** What the suite asks of a store, and skips, by whose time it goes. */
const CLOCKS = ["injected", "backend"] as const;

describe("the store suite", () => {
  test.each(CLOCKS)(
    "given a right store with every capability and the %s clock, passes all and skips what the other clock is for",
    async (clock) => {
      const { failed, skipped, passed, errors } = await runSuite(sharedMemory(clock));
      expect(failed, String([...errors.values()][0])).toEqual([]);
      expect(passed.length).toBeGreaterThan(130);
      const reason = clock === "injected" ? "its process' time" : "its backend's time";
      expect(skipped.filter((title) => !title.includes(reason))).toEqual([]);
    },
  );

  test.each(ODD_STORES)("given a right store that $does, passes all", async (odd) => {
    const { failed, errors } = await runSuite(oddSubject(odd));
    expect(failed, String([...errors.values()][0])).toEqual([]);
  });

  test.each(WRONG_STORES)("given a store that $does, fails in $group", async (wrong) => {
    const { failed } = await runSuite(subjectOf(wrong));
    for (const title of failed) noticed.add(title);
    expect(failed.map((title) => title.split(":")[0])).toContain(wrong.group);
  });

  test("given all these stores, no test of the suite passes with every one of them", async () => {
    const outcomes = await Promise.all(CLOCKS.map((clock) => runSuite(sharedMemory(clock))));
    const titles = new Set(outcomes.flatMap(({ passed }) => passed));
    expect([...titles].filter((title) => !noticed.has(title))).toEqual([]);
  });
});
