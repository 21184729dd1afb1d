import { describe, expect, test } from "vitest";
import { ODD_STORES, oddSubject } from "./odd-stores.js";
import { groupOf, runSuite } from "./run-suite.js";
import { sharedMemory } from "./shared-memory.js";
import { WRONG_BACKENDS } from "./wrong/backends.js";
import { WRONG_CREATES } from "./wrong/creates.js";
import { WRONG_DONE } from "./wrong/done.js";
import { WRONG_EXPECTATIONS } from "./wrong/expectations.js";
import { WRONG_HOLDS } from "./wrong/holds.js";
import { WRONG_LEASES } from "./wrong/leases.js";
import { WRONG_LIST_PAGES } from "./wrong/list-pages.js";
import { WRONG_LIST_WATCHES } from "./wrong/list-watches.js";
import { WRONG_LISTS } from "./wrong/lists.js";
import { WRONG_OPENINGS } from "./wrong/openings.js";
import { WRONG_READS } from "./wrong/reads.js";
import { WRONG_REMOVALS } from "./wrong/removals.js";
import { WRONG_REPEATED } from "./wrong/repeated.js";
import { WRONG_STEPS } from "./wrong/steps.js";
import { WRONG_SWEEPS } from "./wrong/sweeps.js";
import { WRONG_TIMES } from "./wrong/times.js";
import { WRONG_VALUES } from "./wrong/values.js";
import { WRONG_WAKES } from "./wrong/wakes.js";
import { WRONG_WATCHES } from "./wrong/watches.js";
import { subjectOf } from "./wrong/wrong-store.js";

const WRONG_STORES = [
  ...WRONG_CREATES,
  ...WRONG_READS,
  ...WRONG_DONE,
  ...WRONG_STEPS,
  ...WRONG_VALUES,
  ...WRONG_WATCHES,
  ...WRONG_WAKES,
  ...WRONG_TIMES,
  ...WRONG_REPEATED,
  ...WRONG_HOLDS,
  ...WRONG_OPENINGS,
  ...WRONG_LEASES,
  ...WRONG_SWEEPS,
  ...WRONG_REMOVALS,
  ...WRONG_BACKENDS,
  ...WRONG_LISTS,
  ...WRONG_LIST_PAGES,
  ...WRONG_LIST_WATCHES,
  ...WRONG_EXPECTATIONS,
];

/** The titles of the tests that failed for at least one wrong store. */
const noticed = new Set<string>();

/** The suite runs and skips different tests for each. */
const CLOCKS = ["injected", "backend"] as const;

describe("the store suite", () => {
  test.each(CLOCKS)(
    "given a right store with every capability and the %s clock, passes all tests and skips those of the other clock",
    async (clock) => {
      const { failed, skipped, passed, errors } = await runSuite(sharedMemory(clock));
      expect(failed, String([...errors.values()][0])).toEqual([]);
      expect(passed.length).toBeGreaterThan(160);
      const reason = clock === "injected" ? "its process's clock" : "its backend's clock";
      expect(skipped.filter((title) => !title.includes(reason))).toEqual([]);
    },
  );

  test.each(ODD_STORES)("given a right store that $does, passes all tests", async (odd) => {
    const { failed, errors } = await runSuite(oddSubject(odd));
    expect(failed, String([...errors.values()][0])).toEqual([]);
  });

  test.each(WRONG_STORES)("given a store that $does, fails in $group", async (wrong) => {
    // The other groups run for the right stores. For all of the wrong ones they would take most of a minute.
    const groups = [wrong.group, ...(wrong.otherGroups ?? [])];
    const { failed } = await runSuite(subjectOf(wrong), groups);
    for (const title of failed) noticed.add(title);
    expect(new Set(failed.map(groupOf))).toEqual(new Set(groups));
  });

  test("given all wrong stores, each test of the suite fails for at least one", async () => {
    const outcomes = await Promise.all(CLOCKS.map((clock) => runSuite(sharedMemory(clock))));
    const titles = new Set(outcomes.flatMap(({ passed }) => passed));
    expect([...titles].filter((title) => !noticed.has(title))).toEqual([]);
  });
});
