import type { Fields } from "@emlinh/progress-protocol";

/** The progress of one job, as its readers got it. */
export interface Recording {
  /** The conditions under which the job was made. */
  readonly conditions: string;
  /** The requested length of the video, in seconds. Jobs of about the same length are alike. */
  readonly seconds: number;
  /** Milliseconds from the job's opening to its end. */
  readonly durationMs: number;
  /** The fields that changed, and when: milliseconds since the opening. The first change has the plan. */
  readonly changes: readonly (readonly [atMs: number, set: Fields])[];
}

/** The times that one job teaches. */
export interface EarlierRun {
  readonly name: string;
  readonly seconds: number;
  /** Milliseconds by step. */
  readonly durations: Readonly<Record<string, number>>;
}
