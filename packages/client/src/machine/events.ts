import type { ProgressError } from "@emlinh/progress-protocol";

/** How a job's progress is fetched. */
export type Transport = "stream" | "poll";

/**
 * How the connection stands: nothing of the job's own status can be read from it.
 *
 * - `idle`: nobody listens. `connecting`: the first frame is awaited. `live`: the stream runs. `suspect`: it has been silent for
 *   longer than it should.
 * - `waiting`: the next try comes at `retryAt`. `polling`: progress comes by requests. `offline`: the device has no network.
 * - `paused`: the page is hidden or frozen. `closed`: it is over, with an `error` unless the job's end was received.
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

/** The machine's whole state. It never changes in place. */
export interface Machine {
  readonly status: ConnectionStatus;
  /** What is in use, or will be tried next. */
  readonly transport: Transport;
  /** Failed tries since data last came. An open alone doesn't reset it: a proxy may accept every connection, then drop it. */
  readonly attempt: number;
  /** Streams that stayed mute or weren't streams. */
  readonly strikes: number;
  /** The connection whose events count, or 0 for none. The number of a closed one never returns, so that its late events change nothing. */
  readonly current: number;
  /** The stream that is tried beside the polls, or 0 for none. */
  readonly probe: number;
  /** Streams tried so since the stream was last healthy. */
  readonly probes: number;
  /** The highest number that a connection was given. */
  readonly last: number;
  /** Long polls in a row that were not held: after some of them, polls come at an interval. */
  readonly unheld: number;
  /** Fresh credentials were asked for since the server last accepted some. */
  readonly refreshed: boolean;
  /** The least that the server wants us to wait, and the moment (in milliseconds since the epoch) when that will have passed. */
  readonly floorMs: number;
  readonly floorAt: number;
  readonly error: ProgressError | undefined;
}

/** What a connection tells of itself. */
type ConnectionEvent =
  /** Frames or bytes came. `healthy`: they took the cursor forward, or the stream is old enough. */
  | { readonly kind: "alive"; readonly healthy: boolean }
  /** No byte came for half of the limit. */
  | { readonly kind: "silent" }
  /** A poll was answered. `unheld`: a long poll that came back at once and empty. */
  | { readonly kind: "polled"; readonly unheld: boolean }
  /** It is over: the server said `bye`, or it failed; for good, unless the error is `retryable`. */
  | {
      readonly kind: "dropped";
      readonly bye?: true;
      /** It was no stream, or a mute or broken one. */
      readonly strike: boolean;
      /** The least to wait. */
      readonly floorMs: number;
      readonly error?: ProgressError;
    };

/** Everything that can happen. */
export type MachineEvent =
  | (ConnectionEvent & { readonly connection: number })
  /** The first listener came; the last one left; it is time to try the stream beside the polls; the wait is over. */
  | {
      readonly connection?: undefined;
      readonly kind: "start" | "leave" | "probe" | "elapsed";
    }
  /** The job's end is here or (with an error) nobody wants it any more. */
  | { readonly connection?: undefined; readonly kind: "close"; readonly error?: ProgressError }
  /** The network is gone; the page is put away; one of them is back, or someone asks, so look now. `suspect`: by the clock, a stream has been silent for too long. */
  | {
      readonly connection?: undefined;
      readonly kind: "offline" | "pause" | "check";
      readonly suspect: boolean;
    };

/** What the machine can't find out by itself, since it is pure. */
export interface Stamp {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** 0 inclusive to 1 exclusive. */
  readonly random: number;
}

/**
 * What is to be told in so many milliseconds; an earlier wait of that name is void.
 *
 * More isn't to be done than that and what the state says: a connection that is neither `current` nor `probe` any more is to be dropped without being
 * told, and one that is new there is to be made. A probe is a stream; `refreshed` asks for fresh credentials.
 */
export interface Waits {
  readonly elapsed?: number;
  readonly probe?: number;
}

/** What the machine goes by, at the moment. */
export interface Policy {
  /** `auto`: the stream, and polls while it doesn't work. */
  readonly transport: Transport | "auto";
  readonly backoffMs: readonly number[];
  /** Failed tries until the stream is given up for polls. */
  readonly maxAttempts: number;
  readonly pollIntervalMs: number;
  /** How long a poll is to be held; 0 for not at all. */
  readonly pollWaitMs: number;
  /** Waits between tries of the stream while polling; `false` or empty for never. */
  readonly probesMs: readonly number[] | false;
}
