import { storeSuite } from "../../src/testing/index.js";
import type { Subject } from "./shared-memory.js";

/** The titles of the tests by their outcome. */
export interface SuiteOutcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly errors: ReadonlyMap<string, unknown>;
}

/** The group of a test, which is the first part of its title. */
export function groupOf(title: string): string {
  return title.split(":")[0] ?? "";
}

/**
 * Runs the tests of the suite concurrently, without a test runner.
 *
 * @param groups - Those whose tests run. By default all.
 */
export async function runSuite(
  { makeStore, capabilities }: Subject,
  groups?: readonly string[],
): Promise<SuiteOutcome> {
  const skipped: string[] = [];
  const errors = new Map<string, unknown>();
  const runs: (readonly [title: string, run: () => Promise<void>])[] = [];
  const collect = (title: string, run: () => Promise<void>): void => {
    if (groups === undefined || groups.includes(groupOf(title))) runs.push([title, run]);
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
