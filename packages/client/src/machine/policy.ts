/** How a job's progress is fetched: one long response, or repeated requests. */
export type Transport = "stream" | "poll";

/** The settings that the machine follows. */
export interface RetryPolicy {
  /** `auto`: the stream, and polls while the stream does not work. */
  readonly transport: Transport | "auto";
  /** The wait after the first, second … failure in a row, in milliseconds. */
  readonly backoffMs: readonly number[];
  /** Failed attempts until polls replace the stream. */
  readonly maxAttempts: number;
  /** Between two polls that the server does not hold. */
  readonly pollIntervalMs: number;
  /** How long the server is asked to hold a poll. */
  readonly pollWaitMs: number;
  /** The waits between tries of the stream while polling; empty for no tries. */
  readonly probesMs: readonly number[];
}
