import type { ProgressError } from "@emlinh/progress-protocol";
import type { RetryPolicy, Transport } from "./policy.js";

/**
 * The state of the connection. It is independent of the job's own status.
 *
 * - `idle`: no listener. `connecting`: waiting for the first frame. `live`: the stream delivers. `suspect`: the stream
 *   has been silent for longer than expected.
 * - `waiting`: the next attempt starts at `retryAt`. `polling`: progress is fetched by requests. `offline`: the device
 *   reports that it has no network; since this may be wrong, the next attempt starts within a minute nevertheless.
 * - `paused`: the page is hidden or frozen. `closed`: final; there is an `error` unless the job's end was received.
 */
export type ConnectionStatus =
  | "idle"
  | "connecting"
  | "live"
  | "suspect"
  | "waiting"
  | "offline"
  | "paused"
  | "polling"
  | "closed";

/** The whole state of the machine. Immutable. */
export interface MachineState {
  readonly policy: RetryPolicy;
  readonly status: ConnectionStatus;
  /** The transport in use, or the one that the next attempt uses. */
  readonly transport: Transport;
  /** Whether the device reports that it has no network, and nothing has arrived since. */
  readonly offline: boolean;
  /**
   * Failed attempts since a connection last delivered. The answer to a request does not reset it: a proxy may pass the
   * first frames of each stream, and hold the rest.
   */
  readonly attempt: number;
  /** Streams that fell silent or answered with something else than a stream, since a stream was last healthy. */
  readonly strikes: number;
  /**
   * The number of the connection in use. Numbers are not reused, so that late events of a closed connection are
   * recognized.
   */
  readonly current: number | undefined;
  /** The number of the stream that is tried while polls go on. */
  readonly probe: number | undefined;
  /**
   * The number of the stream that replaces the current one as soon as it is ready, because it asks for something else.
   */
  readonly successor: number | undefined;
  /** The highest number given to a connection. */
  readonly lastConnection: number;
  /** Probes that failed since a stream was last healthy. One that took over counts as well until it is healthy. */
  readonly failedProbes: number;
  /** Long polls in a row that the server did not hold. After a few of them, polls are sent at an interval. */
  readonly unheld: number;
  /** Whether fresh credentials were requested since the server last accepted some. */
  readonly refreshed: boolean;
  /** The server's minimum wait, in milliseconds. */
  readonly floorMs: number;
  /** When that wait is over. Milliseconds since the epoch. */
  readonly floorUntil: number;
  /** When the next attempt starts, while `waiting`. Milliseconds since the epoch. */
  readonly retryAt: number;
  /** The last failure; `undefined` once the connection works again. */
  readonly error: ProgressError | undefined;
}

/** The state before the first listener. */
export const initialState = (policy: RetryPolicy): MachineState => ({
  policy,
  status: "idle",
  transport: "stream",
  offline: false,
  attempt: 0,
  strikes: 0,
  current: undefined,
  probe: undefined,
  successor: undefined,
  lastConnection: 0,
  failedProbes: 0,
  unheld: 0,
  refreshed: false,
  floorMs: 0,
  floorUntil: 0,
  retryAt: 0,
  error: undefined,
});
