import type { Bench } from "./bench.js";

/** What a test takes for granted, beyond what every store does. */
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
  run(bench: Bench): Promise<void>;
}

/** Tests of one part of the contract. */
export interface CaseGroup {
  readonly group: string;
  readonly cases: readonly StoreCase[];
}
