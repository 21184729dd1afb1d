import type { Fields } from "@emlinh/progress-protocol";

/** The progress of one job, as its readers got it. */
export interface Recording {
  /** The conditions under which the job was made. */
  readonly conditions: string;
  /** That of the job: the seconds of the video. */
  readonly size: number;
  /** Milliseconds from the job's opening to its end. */
  readonly durationMs: number;
  /** The fields that changed, and when: milliseconds since the opening. The first change has the plan. */
  readonly changes: readonly (readonly [atMs: number, set: Fields])[];
}

/** The times that one job teaches. */
export interface EarlierRun {
  readonly name: string;
  readonly size: number;
  /** Milliseconds by step. */
  readonly durations: Readonly<Record<string, number>>;
}
