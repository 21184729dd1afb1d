import { checksFor } from "../shared/option-checks.js";
import type { Need } from "./case.js";
import { GROUPS } from "./cases/index.js";
import { type MakeStore, type StoreCapabilities, withContext } from "./context.js";

/** The part of a test runner that the suite uses: `test` of Vitest, Jest or `node:test`, `it` of Mocha. */
export interface SuiteTest {
  (name: string, run: () => Promise<void>): unknown;
  skip(name: string, run: () => Promise<void>): unknown;
}

const MISSING: Readonly<Record<Need, string>> = {
  shared: "two instances of this store do not see each other's jobs",
  durable: "this store loses its jobs when it is closed",
  tombstones: "this store does not remember removed jobs",
  "injected clock": "this store uses its backend's clock",
  "backend clock": "this store uses its process's clock",
  emptied: "the backend of this store can't be emptied",
};

/**
 * Declares the tests that every store must pass, each named `<group>: given X, does Y`. A test that needs a capability
 * that the store lacks is skipped, with the reason in its name.
 *
 * Each test has its own store and data, so tests may run at the same time. No test waits longer than for a wake, or for
 * a millisecond of a database's clock.
 *
 * @example
 * ```ts
 * import { test } from "vitest";
 * import { memoryStore } from "@emlinh/progress-server";
 * import { storeSuite } from "@emlinh/progress-server/testing";
 *
 * storeSuite(test, ({ space: _, ...options }) => memoryStore(options), {
 *   shared: false,
 *   durable: false,
 *   tombstones: true,
 *   clock: "injected",
 * });
 * ```
 */
export function storeSuite(
  test: SuiteTest,
  makeStore: MakeStore,
  capabilities: StoreCapabilities,
): void {
  requireArguments(test, makeStore, capabilities);
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
      const body = (): Promise<void> => withContext(makeStore, capabilities, run);
      const missing = [needs ?? []].flat().find((need) => !has[need]);
      if (missing === undefined) test(title, body);
      else test.skip(`${title} (skipped: ${MISSING[missing]})`, body);
    }
  }
}

/** The capabilities that have no default. */
const REQUIRED: readonly (keyof StoreCapabilities)[] = ["shared", "durable", "tombstones"];

function requireArguments(test: unknown, makeStore: unknown, capabilities: unknown): void {
  const { names, invalid } = checksFor("storeSuite", "storeSuite(test, makeStore, { clock: … })");
  if (typeof test !== "function" || !("skip" in test))
    throw invalid("test", test, "the test function of a test runner, with its skip()");
  if (typeof makeStore !== "function")
    throw invalid("makeStore", makeStore, "a function that makes a store, not the store");
  names(capabilities, [...REQUIRED, "clock", "maxWakeMs", "emptyBackend"]);
  const given = capabilities as { readonly [Name in keyof StoreCapabilities]?: unknown };
  for (const name of REQUIRED)
    if (typeof given[name] !== "boolean") throw invalid(name, given[name], "true or false");
  if (given.clock !== "injected" && given.clock !== "backend")
    throw invalid("clock", given.clock, '"injected" or "backend"');
}
