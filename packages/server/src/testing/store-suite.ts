import type { MakeStore, StoreCapabilities } from "./bench.js";
import { onBench } from "./bench.js";
import type { Need } from "./case.js";
import { GROUPS } from "./cases/index.js";

/** The part of a test runner that the suite uses: `test` of Vitest, Jest or `node:test`, `it` of Mocha. */
export interface SuiteTest {
  (name: string, run: () => Promise<void>): unknown;
  skip(name: string, run: () => Promise<void>): unknown;
}

const MISSING: Readonly<Record<Need, string>> = {
  shared: "one instance of this store doesn't see another's jobs",
  durable: "this store forgets its jobs when it is closed",
  tombstones: "this store doesn't remember removed jobs",
  "injected clock": "this store takes its backend's time",
  "backend clock": "this store takes its process' time",
  emptied: "the backend of this store can't be emptied",
};

/**
 * Declares the tests that every store must pass, each named `<group>: given X, does Y`. What needs a capability that the
 * store lacks is skipped, with the reason in its name.
 *
 * Each test has a store, and data, of its own; they may run at once. None waits for more time than a wake, or a tick of a database's clock, takes to come.
 *
 * @example
 * ```ts
 * import { test } from "vitest";
 * import { memoryStore } from "@emlinh/progress-server";
 * import { storeSuite } from "@emlinh/progress-server/testing";
 *
 * storeSuite(test, (options) => memoryStore(options), { shared: false, durable: false, tombstones: true, clock: "injected" });
 * ```
 */
export function storeSuite(
  test: SuiteTest,
  makeStore: MakeStore,
  capabilities: StoreCapabilities,
): void {
  const has: Readonly<Record<Need, boolean>> = {
    shared: capabilities.shared,
    durable: capabilities.durable,
    tombstones: capabilities.tombstones,
    "injected clock": capabilities.clock === "injected",
    "backend clock": capabilities.clock === "backend",
    emptied: capabilities.emptyBackend !== undefined,
  };
  for (const { group, cases } of GROUPS) {
    for (const { name, needs, run } of cases) {
      const title = `${group}: ${name}`;
      const body = (): Promise<void> => onBench(makeStore, capabilities, run);
      const missing = [needs ?? []].flat().find((need) => !has[need]);
      if (missing === undefined) test(title, body);
      else test.skip(`${title} (skipped: ${MISSING[missing]})`, body);
    }
  }
}
