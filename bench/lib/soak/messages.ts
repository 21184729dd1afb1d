import type { ProgressMetrics } from "@emlinh/progress-server";

/** The argument of the program `soak-server`. */
export interface SoakOptions {
  /** Jobs that run at any time. */
  readonly jobs: number;
}

/** A message to the program `soak-server`. */
export interface SoakQuestion {
  readonly id: number;
  /** Starts no more jobs. Those that run are ended and removed first. */
  readonly stop?: boolean;
  /** Closes the server, the progress and the store. */
  readonly close?: boolean;
}

/** The state of the program, after a garbage collection. */
export interface SoakAnswer {
  readonly id: number;
  readonly heapUsed: number;
  readonly rss: number;
  /** The jobs that a viewer can watch now. */
  readonly jobIds: readonly string[];
  /** Jobs that were created, ended and removed so far. */
  readonly done: number;
  readonly metrics: ProgressMetrics;
  /** Timers that were made after the start and still wait. */
  readonly timers: number;
}
