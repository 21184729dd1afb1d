import type { ConnectEffect } from "../../machine/effects.js";
import type { MachineEvent } from "../../machine/events.js";
import { poll } from "../../transports/poll.js";
import { stream } from "../../transports/stream.js";
import type { AnswerReader, TransportEvent, TransportRequest } from "../../transports/transport.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { EffectHandlers } from "./machine-runner.js";
import { type ServerClock, serverClock } from "./server-clock.js";

/** The requests of a connection to the server, by their numbers. */
export interface RequestEffects extends Pick<EffectHandlers, "connect" | "disconnect"> {
  /** Whether bytes should have arrived on a request by now. */
  isOverdue(connection: number | undefined): boolean;
  /** The server's time as far as it is known, in milliseconds since the epoch. */
  readonly now: ServerClock["now"];
}

/** The content of one request. */
export interface RequestContent {
  readonly url: string;
  /** How long the server is asked to hold a poll, in milliseconds; 0 for not at all. */
  readonly holdMs: number;
  readonly reader: AnswerReader;
}

/** The meaning of the requests: what is asked, and what an answer does. */
export interface RequestContext {
  /** Called for each request. */
  contentOf(effect: ConnectEffect): RequestContent;
  /** The server has told its time. */
  onServerTime(now: number): void;
  /**
   * Called after each event of a request.
   *
   * @returns the event for the machine, if it is another one.
   */
  onEvent?(event: TransportEvent): TransportEvent | { readonly kind: "close" };
}

interface OpenRequest extends TransportRequest {
  readonly abort: AbortController;
}

/**
 * Makes handlers that have no request open.
 *
 * @param dispatch - Receives the events of each request until it is disconnected.
 */
export function requestEffects(
  options: ResolvedWatchOptions,
  { contentOf, onServerTime, onEvent = (event) => event }: RequestContext,
  dispatch: (event: MachineEvent) => void,
): RequestEffects {
  const { clock } = options;
  const requests = new Map<number | undefined, OpenRequest>();
  const server = serverClock(clock);
  /** The last `retry:` of the server: a minimum for every later wait after a failure (P41). */
  let retryMs = 0;

  return {
    now: server.now,
    connect(effect) {
      const { connection, transport, refresh } = effect;
      const abort = new AbortController();
      const request: OpenRequest = {
        ...options,
        ...contentOf(effect),
        refresh,
        abort,
        signal: abort.signal,
        expectBytesBy: 0,
        onServerTime(now) {
          if (now > 0) server.set(now);
          onServerTime(server.now());
        },
        onRetry(ms) {
          retryMs = ms;
        },
        report(reported) {
          if (abort.signal.aborted) return;
          const event = onEvent(reported);
          if (event.kind === "close") dispatch(event);
          else if (event.kind !== "failed") dispatch({ ...event, connection });
          else dispatch({ ...event, connection, floorMs: Math.max(event.floorMs, retryMs) });
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
