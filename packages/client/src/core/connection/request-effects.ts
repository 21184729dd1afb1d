import { type Cursor, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import type { MachineEvent } from "../../machine/events.js";
import { poll } from "../../transports/poll.js";
import { stream } from "../../transports/stream.js";
import type { TransportRequest } from "../../transports/transport.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { EffectHandlers } from "./machine-runner.js";
import type { ReplicaView } from "./replica-view.js";
import { serverClock } from "./server-clock.js";

/** Handles the requests for the progress of one job, by the number of the connection. */
export interface RequestEffects extends Pick<EffectHandlers, "connect" | "disconnect"> {
  /** Whether bytes should have arrived on a connection by now. */
  isOverdue(connection: number | undefined): boolean;
  /** The server's time as far as it is known, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The surroundings of the requests. */
export interface RequestContext<Job extends JobTypes> {
  /** The address of the job. */
  readonly url: string;
  /** Receives the deltas. */
  readonly view: ReplicaView<Job>;
  /** Until then `job-not-found` is a failure to retry. Milliseconds since the epoch, by this device's clock. */
  readonly expectedUntil: number;
  /** Receives the events of each connection until it is disconnected. */
  dispatch(event: MachineEvent): void;
}

interface OpenRequest extends TransportRequest {
  readonly abort: AbortController;
}

/** Makes handlers that have no request open. */
export function requestEffects<Job extends JobTypes>(
  options: ResolvedWatchOptions,
  { url, view, expectedUntil, dispatch }: RequestContext<Job>,
): RequestEffects {
  const { clock } = options;
  const requests = new Map<number | undefined, OpenRequest>();
  const server = serverClock(clock);
  /** The last `retry:` of the server: a minimum for every later wait after a failure (P41). */
  let retryMs = 0;

  function retriedWhileExpected(error: ProgressError): ProgressError {
    if (error.code !== "job-not-found" || clock() >= expectedUntil) return error;
    return new ProgressError(error.code, { ...error, message: error.message, retryable: true });
  }

  return {
    now: server.now,
    connect({ connection, transport, holdMs, refresh }) {
      const abort = new AbortController();
      const request: OpenRequest = {
        ...options,
        url: url + queryOf(view.cursor, holdMs),
        holdMs,
        refresh,
        abort,
        signal: abort.signal,
        expectBytesBy: 0,
        receive: (delta) => view.apply(delta, server.now()),
        onServerTime(now) {
          if (now > 0) server.set(now);
          if (view.cursor) view.deriveEta(server.now());
        },
        onRetry(ms) {
          retryMs = ms;
        },
        report(event) {
          if (abort.signal.aborted) return;
          if (view.replica.done) dispatch({ kind: "close" });
          else if (event.kind !== "failed") dispatch({ ...event, connection });
          else {
            const error = retriedWhileExpected(event.error);
            const floorMs = Math.max(event.floorMs, retryMs);
            dispatch({ ...event, connection, error, floorMs });
          }
        },
      };
      requests.set(connection, request);
      void (transport === "poll" ? poll(request) : stream(request));
    },
    disconnect({ connection }) {
      requests.get(connection)?.abort.abort();
      requests.delete(connection);
    },
    isOverdue(connection) {
      const request = requests.get(connection);
      return request ? clock() >= request.expectBytesBy : false;
    },
  };
}

/** Without `URLSearchParams`, which React Native has in part only. */
function queryOf(cursor: Cursor | undefined, holdMs: number): string {
  const after = cursor ? `after=${encodeURIComponent(cursor)}&` : "";
  const wait = holdMs > 0 ? `wait=${Math.ceil(holdMs / 1000)}` : "";
  return `?${after}${wait}`;
}
