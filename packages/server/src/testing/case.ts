import type { TestContext } from "./context.js";

/** A capability that a test needs. */
export type Need =
  | "shared"
  | "durable"
  | "tombstones"
  | "injected clock"
  | "backend clock"
  | "emptied";

/** One test of the suite. */
export interface StoreCase {
  /** "given X, does Y". */
  readonly name: string;
  readonly needs?: Need | readonly Need[];
  run(context: TestContext): Promise<void>;
}

/** The tests of one part of the contract. */
export interface CaseGroup {
  readonly group: string;
  readonly cases: readonly StoreCase[];
}
