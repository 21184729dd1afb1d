import { describe, expect, test } from "vitest";
import { storeProperty } from "../../../../conformance/stores/store-property.js";
import { memoryStore } from "../../src/stores/memory/memory-store.js";
import { ODD_STORES, oddSubject } from "./odd-stores.js";
import { sharedMemory } from "./shared-memory.js";
import { WRONG_CREATES } from "./wrong/creates.js";
import { WRONG_LEASES } from "./wrong/leases.js";
import { WRONG_READS } from "./wrong/reads.js";
import { WRONG_SWEEPS } from "./wrong/sweeps.js";
import { WRONG_VALUES } from "./wrong/values.js";
import { subjectOf, type WrongStore } from "./wrong/wrong-store.js";

/** So that a run that fails is the same run the next time. */
const SEED = 3;

describe("any sequence of calls", () => {
  test("given memoryStore, is answered as the model answers it", async () => {
    const capabilities = { shared: false, clock: "injected" } as const;
    await storeProperty((options) => memoryStore(options), capabilities, { numRuns: 300 });
  });

  test.each(["injected", "backend"] as const)(
    "given two instances by the %s clock, is answered as the model answers it",
    async (clock) => {
      const { makeStore, capabilities } = sharedMemory(clock);
      await storeProperty(makeStore, capabilities, { numRuns: 150 });
    },
  );

  test.each(ODD_STORES)("given a right store that $does, is answered so too", async (odd) => {
    const { makeStore, capabilities } = oddSubject(odd);
    await storeProperty(makeStore, capabilities, { numRuns: 5 });
  });
});

/** What these do shows at bounds that no random call comes near; the suite has a case for each. */
const BEYOND = new Set([
  "folds the case of keys",
  "counts a write of nothing",
  "writes to the job of another write",
  "compares attempts as texts",
  "has a deadline for all",
  "takes leased jobs for idle",
  "forgets removed jobs",
  "never says that there is more",
  "knows no limit",
  "reports one sweep to two that overlap",
]);

const WRONG = [
  ...WRONG_CREATES,
  ...WRONG_READS,
  ...WRONG_LEASES,
  ...WRONG_SWEEPS,
  ...WRONG_VALUES.filter(({ group }) => group !== "values"),
].filter(({ does }) => !BEYOND.has(does));

async function counterexample(wrong: WrongStore): Promise<string> {
  const { makeStore, capabilities } = subjectOf(wrong);
  return storeProperty(makeStore, capabilities, { seed: SEED, numRuns: 400 }).then(
    () => "none",
    (error: unknown) => String(error),
  );
}

describe("the property", () => {
  test.each(WRONG)("given a store that $does, finds calls that it answers wrong", async (wrong) => {
    expect(await counterexample(wrong)).toContain("Counterexample");
  });

  test.each(["knows no deadline", "renews with any write", "leaves the mark at a renewal alone"])(
    "given a store that %s, shows it in a few calls",
    async (does) => {
      const wrong = WRONG.find((each) => each.does === does);
      const calls = wrong && (await counterexample(wrong)).match(/"do":/g);
      expect(calls?.length).toBeGreaterThan(0);
      expect(calls?.length).toBeLessThan(9);
    },
  );
});
