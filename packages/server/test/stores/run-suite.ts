import { storeSuite } from "../../src/testing/index.js";
import type { Subject } from "./shared-memory.js";

/** The titles of the tests by their outcome. */
export interface SuiteOutcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly errors: ReadonlyMap<string, unknown>;
}

/** Runs all tests of the suite concurrently, without a test runner. */
export async function runSuite({ makeStore, capabilities }: Subject): Promise<SuiteOutcome> {
  const skipped: string[] = [];
  const errors = new Map<string, unknown>();
  const runs: (readonly [title: string, run: () => Promise<void>])[] = [];
  const collect = (title: string, run: () => Promise<void>): void => {
    runs.push([title, run]);
  };
  storeSuite(
    Object.assign(collect, { skip: (title: string) => void skipped.push(title) }),
    makeStore,
    capabilities,
  );
  await Promise.all(
    runs.map(async ([title, run]) => {
      await run().catch((error: unknown) => errors.set(title, error));
    }),
  );
  const titles = runs.map(([title]) => title);
  return {
    passed: titles.filter((title) => !errors.has(title)),
    failed: titles.filter((title) => errors.has(title)),
    skipped,
    errors,
  };
}
