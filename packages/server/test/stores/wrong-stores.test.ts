import { describe, expect, test } from "vitest";
import { runSuite } from "./run-suite.js";
import { sharedMemory } from "./shared-memory.js";
import { WRONG_CREATES } from "./wrong/creates.js";
import { WRONG_LEASES } from "./wrong/leases.js";
import { WRONG_READS } from "./wrong/reads.js";
import { WRONG_SWEEPS } from "./wrong/sweeps.js";
import { WRONG_VALUES } from "./wrong/values.js";
import { WRONG_WATCHES } from "./wrong/watches.js";
import { makerOf } from "./wrong/wrong-store.js";

const WRONG_STORES = [
  ...WRONG_CREATES,
  ...WRONG_READS,
  ...WRONG_VALUES,
  ...WRONG_WATCHES,
  ...WRONG_LEASES,
  ...WRONG_SWEEPS,
];

/** The suite's tests that noticed one of them. */
const noticed = new Set<string>();

describe("the store suite", () => {
  test("given a right store with every capability, passes all and skips none", async () => {
    const { failed, skipped, passed, errors } = await runSuite(sharedMemory());
    expect([failed, skipped], String([...errors.values()][0])).toEqual([[], []]);
    expect(passed.length).toBeGreaterThan(100);
  });

  test.each(WRONG_STORES)("given a store that $does, fails in $group", async (wrong) => {
    const { failed } = await runSuite(makerOf(wrong));
    for (const title of failed) noticed.add(title);
    expect(failed.map((title) => title.split(":")[0])).toContain(wrong.group);
  });

  test("given all these stores, no test of the suite passes with every one of them", async () => {
    const { passed } = await runSuite(sharedMemory());
    expect(passed.filter((title) => !noticed.has(title))).toEqual([]);
  });
});
