import type { MachineState, Transport } from "./state.js";

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

/** Long polls in a row that come back at once until polls are sent at an interval. */
const MAX_UNHELD = 3;

type PolicyState = Pick<MachineState, "policy" | "transport" | "unheld">;

/** How long the next poll is held, in milliseconds; 0 for a server that was seen not to hold polls. */
export function holdMs({ policy, unheld }: PolicyState): number {
  return unheld < MAX_UNHELD ? policy.pollWaitMs : 0;
}

/** Whether the stream is tried while polls go on. */
export function probesStream({ policy, transport }: PolicyState): boolean {
  return transport === "poll" && policy.transport === "auto" && policy.probesMs.length > 0;
}
