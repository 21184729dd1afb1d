import type { ProgressError } from "@emlinh/progress-protocol";
import type { Transport } from "../../machine/policy.js";
import type { ConnectionStatus, MachineState } from "../../machine/state.js";

/** The state of the connection. It says nothing about the job. */
export interface ConnectionState {
  readonly status: ConnectionStatus;
  /** Failed attempts since a connection last delivered. */
  readonly attempt: number;
  /** When the next attempt starts, while `waiting`. Milliseconds since the epoch, by this device's clock. */
  readonly retryAt?: number;
  /** The transport in use, or the one that the next attempt uses. */
  readonly transport: Transport;
  /** The last failure; absent once the connection works again. */
  readonly error?: ProgressError;
}

/** The public part of the machine's state. */
export function connectionState(state: MachineState): ConnectionState {
  const { status, attempt, transport, retryAt, error } = state;
  return {
    status,
    attempt,
    transport,
    ...(status === "waiting" && { retryAt }),
    ...(error && { error }),
  };
}

/** The state without a listener. */
export const IDLE: ConnectionState = { status: "idle", attempt: 0, transport: "stream" };

/** The state of a watch that is closed, while others may go on over its connection. */
export function closedState(
  { attempt, transport }: ConnectionState,
  error?: ProgressError,
): ConnectionState {
  return { status: "closed", attempt, transport, ...(error && { error }) };
}

export function isSameState(one: ConnectionState, other: ConnectionState): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
